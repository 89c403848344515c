type Conventions = 'new' | 'old'

export const languages: Record<
  'python' | 'go' | 'java',
  {
    /** Whether it and what it needs are installed here. */
    available(): boolean
    version(conventions: Conventions): string
    /** Runs the program to its end. */
    run(conventions: Conventions, env: Record<string, string>): Promise<void>
  }
>

export function exporting(how: {
  language: string
  endpoint: string
  protocol: string
  compression?: string | undefined
}): Record<string, string>
