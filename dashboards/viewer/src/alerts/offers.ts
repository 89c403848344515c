import { api } from '../api.ts'

/** What the pickers of the form offer. */
export interface Offers {
  service: Offer[]
  operation: Offer[]
  consumer: Offer[]
  env: Offer[]
  objective: Offer[]
  quota: Offer[]
  /** Names of channels. */
  notify: string[]
}

interface Offer {
  value: string
  label?: string
}

interface Known {
  service?: string
  env?: string
  operation?: string
  id?: string
  name?: string
  plan?: string
  quota?: string
}

const dayMs = 86_400_000

/** What was called, who called and whom, in the last day; operations are those of the chosen service. */
export async function offersOf(direction: string, service: string): Promise<Offers> {
  const query = new URLSearchParams({ from: String(Date.now() - dayMs), direction: direction || 'in', limit: '500' })
  const within = new URLSearchParams(query)
  if (service !== '') within.set('service', service)
  const [services, operations, consumers, objectives, quotas, channels] = await Promise.all([
    listed('services', query),
    listed('operations', within),
    listed('consumers', within),
    listed('objectives'),
    listed('quotas'),
    listed('channels'),
  ])
  return {
    service: different(services.map(({ service }) => service)),
    env: different(services.map(({ env }) => env)),
    operation: different(operations.map(({ operation }) => operation)),
    consumer: consumers.flatMap(({ id = '', name = '', plan = '' }) =>
      id === '' ? [] : [{ value: id, label: [name, plan].filter((word) => word !== '').join(', ') }],
    ),
    objective: different(objectives.map(({ name }) => name)),
    quota: different(quotas.map(({ quota }) => quota)),
    notify: different(channels.map(({ name }) => name)).map(({ value }) => value),
  }
}

/** A picker that cannot be filled is still a field that can be typed into. */
async function listed(what: string, query?: URLSearchParams): Promise<Known[]> {
  const answer = await api<Record<string, Known[]>>(`/${what}${query === undefined ? '' : `?${query}`}`).catch(
    (): Record<string, Known[]> => ({}),
  )
  return answer[what] ?? []
}

function different(values: readonly (string | undefined)[]): { value: string }[] {
  const known = values.filter((value) => value !== undefined && value !== '') as string[]
  return [...new Set(known)].sort((a, b) => a.localeCompare(b)).map((value) => ({ value }))
}
