/** A value of an attribute. Bytes are a Uint8Array; inside of lists and maps they are base64, as in OTLP/JSON. */
export type Value = string | number | boolean | Value[] | { [key: string]: Value } | Uint8Array | null

export type Attributes = Record<string, Value>

/** A request body that is not OTLP. The message says where it stops making sense. */
export class Undecodable extends Error {
  override name = 'Undecodable'
}

/** An object for attributes: no prototype, so that a key named __proto__ is a key. */
export function emptyAttributes(): Attributes {
  return Object.create(null) as Attributes
}
