export type Method = (this: unknown, ...args: unknown[]) => unknown

/**
 * Puts `method` on `target` in place of the method of that name, with the same length. Returns the way back, which does
 * nothing when somebody else has patched over it meanwhile.
 */
export function patch<T extends object>(target: T, name: keyof T & string, method: Method): () => void {
  const before = Object.getOwnPropertyDescriptor(target, name)
  const original = target[name] as unknown as Method
  Object.defineProperty(method, 'length', { value: original.length, configurable: true })
  Object.defineProperty(target, name, { value: method, writable: true, configurable: true, enumerable: true })
  return () => {
    if (Object.getOwnPropertyDescriptor(target, name)?.value !== method) return
    if (before === undefined) delete (target as Record<string, unknown>)[name]
    else Object.defineProperty(target, name, before)
  }
}
