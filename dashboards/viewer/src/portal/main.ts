import { h } from '../dom.ts'
import { themeButton } from '../theme.ts'
import { ask, forgetToken, TokenNeeded } from './ask.ts'
import { callsSection } from './calls.ts'
import { askToken } from './door.ts'
import { promisesSection } from './promises.ts'
import { quotasSection } from './quotas.ts'
import { trafficSection } from './traffic.ts'

/** Who looks at the page. */
export interface Me {
  id: string
  name: string
  plan: string | null
  time_zone: string
}

/** A part of the page: it draws itself anew with fresh figures. */
export interface Section {
  element: HTMLElement
  refresh(): Promise<void>
  recolor?(): void
}

const refreshMs = 30_000

/** Everything that one consumer of an API may see, and nothing else: the server sees to that, this only draws it. */
async function start(): Promise<void> {
  const sections: Section[] = []
  const theme = themeButton(() => {
    for (const section of sections) section.recolor?.()
  })
  const me = await enter(false)
  const leave = h('button', { type: 'button', class: 'control' }, 'Sign out')
  leave.addEventListener('click', () => {
    forgetToken()
    location.reload()
  })
  sections.push(quotasSection(me), promisesSection(me), trafficSection(), callsSection())
  document.title = `${me.name} · API usage`
  document.body.append(
    h(
      'header',
      { class: 'bar portal-bar' },
      h('h1', {}, me.name),
      me.plan === null ? null : h('span', { class: 'plan' }, me.plan),
      h('span', { class: 'note' }, `id ${me.id} · periods in ${me.time_zone}`),
      h('span', { class: 'rest' }),
      theme,
      leave,
    ),
    h('main', { class: 'portal' }, ...sections.map(({ element }) => element)),
  )
  await refresh(sections)
  setInterval(() => {
    if (!document.hidden) void refresh(sections)
  }, refreshMs)
}

/** Asks for the token until one opens the page. */
async function enter(refused: boolean): Promise<Me> {
  try {
    const me = await ask<Me>('portal')
    if (me !== undefined) return me
    throw new Error('there is no portal here')
  } catch (error) {
    if (!(error instanceof TokenNeeded)) {
      document.body.append(h('p', { class: 'door card fault', role: 'alert' }, (error as Error).message))
      throw error
    }
    await askToken(refused)
    return enter(true)
  }
}

/** A section that fails says so in its place; the others go on. */
async function refresh(sections: readonly Section[]): Promise<void> {
  await Promise.all(
    sections.map(async ({ element, refresh }) => {
      element.querySelector('.fault')?.remove()
      await refresh().catch((error: Error) => {
        if (error instanceof TokenNeeded) location.reload()
        element.append(h('p', { class: 'fault', role: 'alert' }, `Not up to date: ${error.message}.`))
      })
    }),
  )
}

void start()
