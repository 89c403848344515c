import type { Config } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import type { Store } from '../../store/store.ts'
import { type AlertEvent, newsOf } from '../alert/step.ts'
import { mutedBy } from './mute.ts'
import { type Silence, stateOf, storedSilences, storeSilence } from './silence.ts'

/** What holds alerts back: silences, maintenance, and alerts that inhibit others. */
export class Holds {
  config: Pick<Config, 'maintenance' | 'inhibit'>
  readonly #store: Store
  /** What fires, whoever is told of it. */
  readonly #firing = new Map<string, AlertEvent>()
  #silences: readonly Silence[] = []

  constructor(store: Store, config: Config) {
    this.#store = store
    this.config = config
  }

  /** @param firing the alerts that fire */
  async restore(firing: readonly AlertEvent[], nowMs: number): Promise<void> {
    this.#silences = await storedSilences(this.#store, nowMs - limits.silenceListedMs)
    for (const event of firing) this.#firing.set(event.fingerprint, event)
  }

  /** Takes in a change of an alert. */
  take(event: AlertEvent): void {
    if (newsOf(event) === 'firing') this.#firing.set(event.fingerprint, event)
    else if (newsOf(event) === 'resolved' || event.state === 'inactive') this.#firing.delete(event.fingerprint)
  }

  /** Silences that are not over, or ended lately, each with the number of firing alerts that it holds back. */
  silences(nowMs: number): { silence: Silence; held: number }[] {
    const mutes = this.at(nowMs)
    const reasons = [...this.#firing.values()].map(mutes)
    return this.#silences
      .filter(({ endsMs }) => endsMs > nowMs - limits.silenceListedMs)
      .map((silence) => ({ silence, held: reasons.filter((why) => why === `silence ${silence.id}`).length }))
  }

  /** Adds a silence, or changes the one of its id. */
  async silence(silence: Silence, nowMs: number): Promise<void> {
    await storeSilence(this.#store, silence, nowMs)
    const others = this.silences(nowMs).map((listed) => listed.silence)
    this.#silences = [...others.filter(({ id }) => id !== silence.id), silence]
  }

  /** Says why an alert is not told at a time, or ''. */
  at(nowMs: number): (event: AlertEvent) => string {
    const silences = this.#silences.filter((silence) => stateOf(silence, nowMs) === 'active')
    const mutes = { silences, firing: [...this.#firing.values()], ...this.config }
    return (event) => mutedBy(event, mutes, nowMs)
  }
}
