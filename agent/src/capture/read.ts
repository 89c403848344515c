/**
 * `object[key]`, for the objects of a host that may have no shape in common. Express gives every request and response a
 * new prototype, and with it a hidden class of its own, so that inline caches never hit: `request.route` then costs half
 * a microsecond in the engine's runtime, a look-up with a key that varies a tenth of one. Measured with V8 11.3.
 */
export function read<T extends object, K extends keyof T>(object: T, key: K): T[K] {
  return object[key]
}
