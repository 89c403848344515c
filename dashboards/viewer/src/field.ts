import type { ColorName, Field, Override, Panel, Thresholds } from '@callsight/dashboards'
import { format, type Shown } from './format.ts'

/** A field's look after its overrides. */
export type Look = Field & { custom: NonNullable<Field['custom']> }

/** Applies the panel's overrides for a column or series of this name. */
export function lookOf(panel: Panel, name: string): Look {
  const { defaults, overrides } = panel.fieldConfig
  const look: Look = { ...defaults, custom: { ...defaults.custom } }
  for (const { properties } of overrides.filter((override) => matches(override, name))) {
    for (const { id, value } of properties) {
      if (id.startsWith('custom.')) Object.assign(look.custom, { [id.slice('custom.'.length)]: value })
      else Object.assign(look, { [id]: value })
    }
  }
  return look
}

function matches({ matcher }: Override, name: string): boolean {
  if (matcher.id === 'byName') return matcher.options === name
  return new RegExp(matcher.options.slice(1, matcher.options.lastIndexOf('/'))).test(name)
}

/** The colour of the highest step that a value reaches. */
export function stepColor({ steps }: Thresholds, value: number): ColorName {
  let color = steps[0]?.color ?? 'text'
  for (const step of steps) if (step.value !== null && value >= step.value) color = step.color
  return color
}

/** The colour of a value by its mapping, its fixed colour or its thresholds. */
export function colorOf(look: Look, value: string | number | null): ColorName {
  const mapped = value === null ? undefined : mappingOf(look, value)?.color
  if (mapped !== undefined) return mapped
  if (look.color?.mode === 'fixed') return look.color.fixedColor
  return typeof value === 'number' ? stepColor(look.thresholds, value) : 'text'
}

/** A value as it is shown: its mapping, the unit's text, or the panel's word for nothing. */
export function shownOf(look: Look, value: string | number | null): Shown {
  if (value === null) return { text: '–', suffix: '' }
  const mapped = mappingOf(look, value)
  if (mapped !== undefined) return { text: mapped.text, suffix: '' }
  return typeof value === 'number' ? format(value, look.unit, look.decimals) : { text: value, suffix: '' }
}

function mappingOf(look: Look, value: string | number) {
  for (const { options } of look.mappings) if (Object.hasOwn(options, value)) return options[value]
  return undefined
}

/** The newest value of a series. */
export function lastOf(values: (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null
}
