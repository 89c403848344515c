import { h } from './dom.ts'

/** Says how fresh the page is, and when the collector cannot be reached. */
export class LiveMark {
  readonly element = h('span', { class: 'live' }, h('i', {}), h('span', {}))
  /** For screen readers only the change between working and failing is news. */
  readonly #news = h('span', { class: 'unseen', role: 'status' })
  #updated = 0
  #failing = false

  constructor() {
    this.element.append(this.#news)
    setInterval(() => this.#show(), 1000)
  }

  done(ok: boolean): void {
    if (ok) this.#updated = Date.now()
    if (this.#failing === ok) this.#news.textContent = ok ? 'Updated' : 'Some panels could not be updated'
    this.#failing = !ok
    this.#show()
  }

  #show(): void {
    const [, text] = this.element.children
    this.element.classList.toggle('failing', this.#failing)
    if (this.#updated === 0) {
      text!.textContent = this.#failing ? 'no answer' : 'loading'
      return
    }
    const seconds = Math.round((Date.now() - this.#updated) / 1000)
    const age = seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`
    text!.textContent = this.#failing ? `failing, last update ${age} ago` : `updated ${age} ago`
  }
}
