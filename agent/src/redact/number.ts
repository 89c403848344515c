import { ALNUM, DIGIT, KIND, LOWER } from './bytes.ts'

/** A card number has 13 to 19 digits (ISO/IEC 7812-1). */
const CARD_SHORTEST = 13
const CARD_LONGEST = 19

const digits = new Uint8Array(CARD_LONGEST)

/**
 * The end of the card number that starts with the digit at `start`, or 0. Digits may stand in groups of three and more
 * with one space, dash or plus (a space in a query) between; the issuer's range and the check digit (Luhn) must fit.
 */
export function cardEnd(bytes: Buffer, start: number, end: number): number {
  const first = bytes[start]!
  if (first < 50 || first === 55) return 0
  let count = 0
  let group = 0
  let separator = 0
  let found = 0
  for (let i = start; i <= end; i++) {
    const c = i < end ? bytes[i]! : 0
    if (c >= 48 && c <= 57) {
      if (count === CARD_LONGEST) return found
      digits[count++] = c - 48
      group++
      continue
    }
    if (count >= CARD_SHORTEST && !isFraction(bytes, i, end) && isCard(count)) found = i
    if ((c !== 32 && c !== 45 && c !== 43) || group < 3 || (separator !== 0 && c !== separator)) return found
    // Two spaces are left where a comment stood between the groups.
    if (c === 32 && bytes[i + 1] === 32) i++
    if (i + 1 >= end || (KIND[bytes[i + 1]!]! & DIGIT) === 0) return found
    separator = c
    group = 0
  }
  return found
}

/** `4111111111111111.5` is a measurement; `4111111111111111.` may end a sentence, and `.0` is a card kept as a float. */
function isFraction(bytes: Buffer, at: number, end: number): boolean {
  if (bytes[at] !== 46 || at + 1 >= end) return false
  const next = bytes[at + 1]!
  return next >= 49 && next <= 57
}

function isCard(count: number): boolean {
  if (!isIssued(count)) return false
  let sum = 0
  let different = 0
  for (let i = count - 1, double = false; i >= 0; i--, double = !double) {
    const digit = digits[i]!
    different |= digit ^ digits[0]!
    const value = double ? digit * 2 : digit
    sum += value > 9 ? value - 9 : value
  }
  return sum % 10 === 0 && different !== 0
}

/** The ranges in use: https://en.wikipedia.org/wiki/Payment_card_number#Issuer_identification_number_(IIN) */
function isIssued(count: number): boolean {
  const two = digits[0]! * 10 + digits[1]!
  const four = two * 100 + digits[2]! * 10 + digits[3]!
  switch (digits[0]) {
    case 4:
      return count === 13 || count === 16 || count === 18 || count === 19
    case 2:
      return (four >= 2200 && four <= 2204) || (four >= 2221 && four <= 2720 && count === 16)
    case 3:
      if (two === 34 || two === 37) return count === 15
      if (two === 35) return four >= 3528 && four <= 3589 && count >= 16
      return (two === 30 || two === 36 || two === 38 || two === 39) && count >= 14
    case 5:
      return two >= 51 && two <= 55 ? count === 16 : two === 50 || two >= 56
    case 6:
      return true
    case 8:
      return two === 81 || two === 82 || four === 8600
    default:
      return four === 9792 || four === 9860
  }
}

/** `123-45-6789` as the Social Security Administration may have issued it, standing alone. The end, or 0. */
export function ssnEnd(bytes: Buffer, start: number, end: number): number {
  const stop = start + 11
  if (stop > end || bytes[start + 3] !== 45 || bytes[start + 6] !== 45) return 0
  for (let i = start; i < stop; i++) {
    if (i !== start + 3 && i !== start + 6 && (KIND[bytes[i]!]! & DIGIT) === 0) return 0
  }
  const area = number(bytes, start, 3)
  if (area === 0 || area === 666 || area >= 900 || number(bytes, start + 4, 2) === 0) return 0
  if (number(bytes, start + 7, 4) === 0) return 0
  const next = stop < end ? bytes[stop]! : 0
  return (KIND[next]! & ALNUM) !== 0 || next === 45 ? 0 : stop
}

function number(bytes: Buffer, at: number, size: number): number {
  let value = 0
  for (let i = at; i < at + size; i++) value = value * 10 + bytes[i]! - 48
  return value
}

/** Lengths by country, https://www.swift.com/standards/data-standards/iban-international-bank-account-number */
const IBAN_LENGTH = new Map<number, number>()
for (const entry of (
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 ' +
  'FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 ' +
  'LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 ' +
  'RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
).split(' ')) {
  IBAN_LENGTH.set((entry.charCodeAt(0) << 8) | entry.charCodeAt(1), Number(entry.slice(2)))
}

/** The end of an IBAN (ISO 13616) that starts at `start`, in one or in groups with single spaces, dashes or dots; or 0. */
export function ibanEnd(bytes: Buffer, start: number, end: number): number {
  const check = bytes[start + 2] === 32 ? start + 3 : start + 2
  if (end - start < 15 || (KIND[bytes[check]!]! & DIGIT) === 0 || (KIND[bytes[check + 1]!]! & DIGIT) === 0) return 0
  const length = IBAN_LENGTH.get((upper(bytes[start]!) << 8) | upper(bytes[start + 1]!))
  if (length === undefined) return 0
  let count = 0
  let rest = 0
  let head = 0
  for (let i = start; i < end; i++) {
    const c = bytes[i]!
    const kind = KIND[c]! & ALNUM
    if (kind === 0) {
      if ((c === 32 || (c >= 43 && c <= 46 && c !== 44)) && i + 1 < end && (KIND[bytes[i + 1]!]! & ALNUM) !== 0)
        continue
      return 0
    }
    // Letters count as two digits, 10 to 35; country and check digits come last.
    const value = kind === DIGIT ? c - 48 : upper(c) - 55
    if (count < 4) head = head * (value > 9 ? 100 : 10) + value
    else rest = (rest * (value > 9 ? 100 : 10) + value) % 97
    count++
    if (count < length) continue
    const next = i + 1 < end ? KIND[bytes[i + 1]!]! & ALNUM : 0
    return next === 0 && (rest * 1_000_000 + head) % 97 === 1 ? i + 1 : 0
  }
  return 0
}

function upper(c: number): number {
  return (KIND[c]! & LOWER) !== 0 ? c & ~32 : c
}
