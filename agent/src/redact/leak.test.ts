import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileRedactor } from './redactor.ts'

// Seeded secrets must not appear in the output, neither whole nor in parts of six characters, however the document is cut.

const redactor = compileRedactor({ mode: 'masked', names: ['nickname'], paths: ['$..hidden'], allow: [] })
/** The same documents every time; `CALLSIGHT_FUZZ=5000` tries so many others of each kind. */
const fuzz = Number(process.env.CALLSIGHT_FUZZ ?? 0)
const RUNS = fuzz > 0 ? { numRuns: fuzz } : { numRuns: 80, seed: 20261121 }

const digits = (size: number) => fc.array(fc.integer({ min: 0, max: 9 }), { minLength: size, maxLength: size })
const letters = (alphabet: string, min: number, max = min) =>
  fc.array(fc.constantFrom(...alphabet), { minLength: min, maxLength: max }).map((list) => list.join(''))
const BASE62 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

function luhn(body: string): string {
  let sum = 0
  for (const [i, digit] of [...body].reverse().entries()) {
    const value = Number(digit) * (i % 2 === 0 ? 2 : 1)
    sum += value > 9 ? value - 9 : value
  }
  return body + ((10 - (sum % 10)) % 10)
}

const card = fc
  .tuple(fc.constantFrom('4', '51', '55', '2221', '6011', '65'), digits(15), fc.constantFrom('', ' ', '-'))
  .map(([prefix, rest, gap]) => luhn((prefix + rest.join('')).slice(0, 15)).replace(/(\d{4})(?=\d)/g, `$1${gap}`))

const iban = fc.tuple(digits(18), fc.boolean()).map(([list, spaced]) => {
  const rest = BigInt(`${list.join('')}131400`) % 97n
  const text = `DE${String(98n - rest).padStart(2, '0')}${list.join('')}`
  return spaced ? text.replace(/(.{4})(?=.)/g, '$1 ') : text
})

const base64url = (text: string) => Buffer.from(text).toString('base64url')
const jwt = letters(BASE62, 43).map(
  (signature) => `${base64url('{"alg":"HS256","typ":"JWT"}')}.${base64url('{"sub":"1234567890"}')}.${signature}`,
)
const email = fc
  .tuple(letters('abcdefghijklmnop', 6, 12), letters('qrstuvwxyz', 6, 10))
  .map(([a, b]) => `${a}@${b}.com`)
const provider = fc
  .tuple(fc.constantFrom('sk_live_', 'ghp_', 'xoxb-', 'glpat-', 'SG.', 'npm_', 'hf_', 'shpat_'), letters(BASE62, 36))
  .map(([prefix, rest]) => prefix + rest)
const privateKey = letters(BASE62, 64, 200).map(
  (key) => `-----BEGIN RSA PRIVATE KEY-----\n${key}\n-----END RSA PRIVATE KEY-----`,
)
const bearer = letters(BASE62, 24, 40).map((token) => `Bearer ${token}`)

/** Secrets that are known by their shape, with the part that must not be seen. */
const shaped = fc.oneof(card, iban, jwt, email, provider, privateKey, bearer)

/** Secrets that only the name tells; some with the delimiters of the formats in them. */
const named = fc.oneof(
  letters(`${BASE62}!$*~`, 8, 24),
  letters(`${BASE62}&;,<>"'{}[]:=\\ /?#%+`, 8, 24).map((text) => `zq${text}zq`),
)

const secretName = fc.constantFrom(
  ...'password userPassword user_password USER-PASSWORD X-Auth-Token accessToken client-secret client_secret apiKey'.split(
    ' ',
  ),
  ...'api.key cardNumber CVV userSSN pin card_pin refreshToken nickname Nick-Name private_key sessionId'.split(' '),
)
const plainName = fc.constantFrom(
  'id',
  'author',
  'tokens_used',
  'description',
  'keyboard',
  'passenger',
  'title',
  'count',
)
const plainText = fc.constantFrom('green', 'a short text', 'Grüße', 'x', '日本語', 'in stock 5', '')

/** Parts of six characters of a secret: none of them may appear. */
function parts(secret: string): string[] {
  const text = secret.replace(/^Bearer |-----(BEGIN|END) RSA PRIVATE KEY-----/g, '').trim()
  const found: string[] = []
  for (let i = 0; i + 6 <= text.length; i++) found.push(text.slice(i, i + 6))
  return found
}

/** What a reader of the output would see: as written, and with the escapes of the formats undone. */
function readings(output: string): string[] {
  const plus = output.replace(/\+/g, ' ')
  const percent = plus.replace(/(?:%[0-9A-Fa-f]{2})+/g, (all) =>
    Buffer.from(all.replace(/%/g, ''), 'hex').toString('utf8'),
  )
  const unescaped = output
    .replace(/\\(["\\/])/g, '$1')
    .replace(/\\u00([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  const markup = output
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, '&')
  return [output, percent, unescaped, unescaped.replace(/\\(["\\/])/g, '$1'), markup]
}

/** A form or a text that is cut cannot be told from a whole one: there the cut must be said. */
function expectNoLeak(document: string, contentType: string, secrets: string[], open = false): void {
  const bytes = Buffer.from(document)
  const forbidden = secrets.flatMap(parts)
  const rest = secrets.reduce((text, secret) => text.replaceAll(secret, ' '), document)
  const step = Math.max(1, Math.floor(bytes.length / 150))
  for (
    let end = 0;
    end <= bytes.length;
    end += end + step > bytes.length && end < bytes.length ? bytes.length - end : step
  ) {
    for (const complete of end === bytes.length ? [true, false] : open ? [false] : [false, true]) {
      const output = redactor.body(bytes.subarray(0, end), contentType, complete)?.toString() ?? ''
      for (const reading of readings(output)) {
        const leaked = forbidden.find((part) => reading.includes(part))
        // A part that the document holds outside of the secret as well tells nothing.
        if (leaked !== undefined && (document.split(leaked).length <= secrets.length + 1 || !rest.includes(leaked))) {
          throw new Error(
            `"${leaked}" leaked from ${JSON.stringify(document.slice(0, end))} (complete: ${complete}) as ${output}`,
          )
        }
      }
    }
  }
}

const member = fc.oneof(
  fc.tuple(secretName, named, fc.constant(true)),
  fc.tuple(plainName, shaped, fc.constant(true)),
  fc.tuple(
    plainName,
    fc.tuple(plainText, shaped, plainText).map((list) => list.join(' ')),
    fc.constant(true),
  ),
  fc.tuple(plainName, plainText, fc.constant(false)),
)
const members = fc.array(member, { minLength: 1, maxLength: 6 })

function secretsOf(list: [string, string, boolean][]): string[] {
  return list
    .filter(([, , secret]) => secret)
    .map(([, value]) =>
      value.replace(
        /^(green|a short text|Grüße|x|日本語|in stock 5|) | (green|a short text|Grüße|x|日本語|in stock 5|)$/g,
        '',
      ),
    )
}

const escapeJson = (text: string) =>
  [...JSON.stringify(text).slice(1, -1)].join('').replace(/[aeo@4]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)

describe('no seeded secret leaves, at any truncation point', () => {
  test('JSON: nested, in arrays, escaped, pretty', () => {
    fc.assert(
      fc.property(members, fc.integer({ min: 0, max: 3 }), fc.boolean(), (list, form, pretty) => {
        const flat = list.map(([name, value]) => ({
          [name]: form === 1 ? [value] : form === 2 ? { deep: [value] } : value,
        }))
        let text = JSON.stringify({ list: flat, last: 1 }, undefined, pretty ? 2 : undefined)
        if (form === 3) {
          text = `{${list.map(([name, value]) => `"${escapeJson(name)}" : "${escapeJson(value)}"`).join(' ,\n')}}`
        }
        expectNoLeak(text, 'application/json', secretsOf(list))
        const whole = redactor.body(Buffer.from(text), 'application/json', true)!.toString()
        JSON.parse(whole)
      }),
      RUNS,
    )
  })

  test('JSON in a string of JSON, twice; a form and a URL in a string', () => {
    fc.assert(
      fc.property(members, fc.constantFrom('json', 'twice', 'form', 'url'), (list, kind) => {
        const object = Object.fromEntries(list.map(([name, value]) => [name, value]))
        const kept = list.filter(([name, value]) => object[name] === value)
        const query = kept.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')
        const inner = {
          json: JSON.stringify(object),
          twice: JSON.stringify(JSON.stringify(object)),
          form: query,
          url: `https://x.io/a?${query}`,
        }
        const text = JSON.stringify({ id: 1, body: inner[kind as 'json'] })
        expectNoLeak(text, 'application/json', secretsOf(kept))
        JSON.parse(redactor.body(Buffer.from(text), 'application/json', true)!.toString())
      }),
      RUNS,
    )
  })

  test('name and value as two members, in either order; several documents', () => {
    fc.assert(
      fc.property(secretName, named, fc.boolean(), (name, value, first) => {
        const pair = first ? { name, value, x: 1 } : { value, x: 1, name }
        expectNoLeak(JSON.stringify([pair, { name: 'colour', value: 'green' }]), 'application/json', [value])
        expectNoLeak(`{"a":1}\n${JSON.stringify(pair)}\n{"b":2}\n`, 'application/x-ndjson', [value])
      }),
      RUNS,
    )
  })

  test('forms', () => {
    fc.assert(
      fc.property(members, fc.boolean(), (list, all) => {
        const encode = all
          ? (text: string) => [...Buffer.from(text)].map((c) => `%${c.toString(16).padStart(2, '0')}`).join('')
          : (text: string) => encodeURIComponent(text).replace(/%20/g, '+')
        const text = list.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
        expectNoLeak(text, 'application/x-www-form-urlencoded', secretsOf(list), true)
      }),
      RUNS,
    )
  })

  test('XML: elements, attributes, CDATA, comments, character references', () => {
    const escaped = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;')
    const reference = (text: string) => [...text].map((c) => `&#x${c.codePointAt(0)!.toString(16)};`).join('')
    fc.assert(
      fc.property(members, fc.integer({ min: 0, max: 5 }), (list, form) => {
        const one = ([name, value]: [string, string, boolean]) => {
          if (form === 0) return `<n:${name}>${escaped(value)}</n:${name}>`
          if (form === 1) return `<item ${name}="${escaped(value)}"/>`
          if (form === 2) return `<${name}><![CDATA[${value.replaceAll(']]>', '')}]]></${name}>`
          if (form === 3) return `<${name}><x>${escaped(value)}</x></${name}>`
          if (form === 4)
            return `<!-- ${value.replaceAll('--', '')} --><param name="${name}" value="${escaped(value)}"/>`
          return `<${name}>${reference(value)}</${name}>`
        }
        const text = `<?xml version="1.0"?>\n<s:Envelope xmlns:s="urn:x"><s:Body>${list.map(one).join('\n')}</s:Body></s:Envelope>`
        expectNoLeak(text, 'application/soap+xml; charset=utf-8', secretsOf(list))
      }),
      RUNS,
    )
  })

  test('multipart', () => {
    fc.assert(
      fc.property(members, letters(BASE62, 40), (list, file) => {
        const fields = list.map(
          ([name, value]) => `--b0\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
        )
        const text = `${fields.join('')}--b0\r\nContent-Disposition: form-data; name="doc"; filename="${file}.pdf"\r\nContent-Type: application/pdf\r\n\r\n${file}\r\n--b0--\r\n`
        expectNoLeak(text, 'multipart/form-data; boundary=b0', [...secretsOf(list), file])
      }),
      RUNS,
    )
  })

  test('text', () => {
    const simple = letters(`${BASE62}!$*~&;`, 8, 24)
    fc.assert(
      fc.property(fc.array(shaped, { minLength: 1, maxLength: 4 }), secretName, simple, (list, name, value) => {
        const text = `Dear all,\n${list.map((secret) => `see ${secret} for that`).join('\n')}\n${name}=${value} x\n${name}: ${value}\n"${name}": "${value}"\nend of it`
        expectNoLeak(text, 'text/plain', [...list, value], true)
        const whole = redactor.body(Buffer.from(text), 'text/plain', true)!.toString()
        expect(whole).not.toContain(value)
        expect(whole).toContain('end of it')
      }),
      RUNS,
    )
  })

  test('GraphQL documents, alone and in JSON', () => {
    fc.assert(
      fc.property(members, (list) => {
        const names = list.map(([name]) => name.replace(/[^\w]/g, '_'))
        const literals = list.map(([, value], i) => `${names[i]}: ${JSON.stringify(value)}`)
        const text = `mutation M($a: Int = 3) { login(${literals.join(', ')}, n: 5) { id } }`
        expectNoLeak(text, 'application/graphql', secretsOf(list))
        expectNoLeak(JSON.stringify({ query: text }), 'application/json', secretsOf(list))
      }),
      RUNS,
    )
  })

  test('queries, headers and paths', () => {
    fc.assert(
      fc.property(members, shaped, (list, secret) => {
        const query = list.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
        const outputs = [
          redactor.query(query),
          redactor.header('referer', `https://x.io/a?${query}`) ?? '',
          redactor.header('location', `/a?${query}#${query}`) ?? '',
          redactor.header('cookie', list.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('; ')) ??
            '',
          redactor.header('x-note', secret) ?? '',
          redactor.path(`/users/${encodeURIComponent(secret)}/orders`),
        ]
        const forbidden = [...secretsOf(list), secret].flatMap(parts)
        for (const reading of outputs.flatMap(readings)) {
          const leaked = forbidden.find((part) => reading.includes(part))
          if (leaked !== undefined) throw new Error(`"${leaked}" leaked: ${reading}`)
        }
      }),
      RUNS,
    )
  })

  test('UTF-16 and Latin-1', () => {
    fc.assert(
      fc.property(members, (list) => {
        const text = JSON.stringify(list.map(([name, value]) => ({ [name]: value })))
        const bytes = Buffer.from(`\ufeff${text}`, 'utf16le')
        for (let end = 0; end <= bytes.length; end += 7) {
          const output = redactor.body(bytes.subarray(0, end), 'application/json', false)!.toString()
          const leaked = secretsOf(list)
            .flatMap(parts)
            .find((part) => output.includes(part))
          if (leaked !== undefined) throw new Error(`"${leaked}" leaked: ${output}`)
        }
      }),
      RUNS,
    )
  })
})

describe('what is no secret survives', () => {
  /** Equal, but for masked values and masked parts of text. */
  function survives(before: unknown, after: unknown): boolean {
    if (after === '[redacted]') return before !== null
    if (typeof before === 'string')
      return before === after || (typeof after === 'string' && /\[redacted\]|\[cut\]/.test(after))
    if (typeof before !== 'object' || before === null) return Object.is(before, after) || before === after
    if (typeof after !== 'object' || after === null) return false
    const values = Object.values(before)
    const others = Object.values(after)
    return values.length >= others.length && others.every((other, i) => survives(values[i], other))
  }

  test('random JSON stays JSON of the same form', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value)
        const output = redactor.body(Buffer.from(text), 'application/json', true)!.toString()
        if (!survives(JSON.parse(text), JSON.parse(output))) throw new Error(`${text} became ${output}`)
      }),
      { ...RUNS, numRuns: Math.max(fuzz, 500) },
    )
  })

  test('ordinary documents pass unchanged', () => {
    const document = {
      id: 17,
      uuid: '550e8400-e29b-41d4-a716-446655440000',
      sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      createdAt: '2026-11-21T03:26:19.123Z',
      timestamp: 1763695579123,
      nanos: '1763695579123456789',
      snowflake: 1992345678901234567n.toString(),
      price: 12.99,
      phone: '+49 30 1234567',
      ip: '192.168.0.1',
      url: 'https://api.example.com/v1/orders/17?page=2&sort=-created',
      text: 'Ratio 3:1, at 12:30 - see chapter 4: the end. 50% off & more',
      version: 'v1.2.3-beta.4+build.5',
      etag: 'W/"33a64df551425fcc55e4d42a148795d9f25f89d4"',
      tokens_used: 1234,
      usage: { prompt_tokens: 12, completion_tokens: 30, total_tokens: 42 },
      stripeId: 'cus_NffrFeUfNV2Hib',
      path: '/usr/local/lib/node_modules/@scope/package@1.2.3/index.js',
      html: '<p class="x">Hello <b>world</b></p>',
      nested: '{"a":[1,2,{"b":null}],"c":"d"}',
      items: [
        ['AB-1234-XY', 5],
        ['', false],
        [null, -0.5],
      ],
    }
    for (const space of [undefined, 2]) {
      const text = JSON.stringify(document, undefined, space)
      expect(redactor.body(Buffer.from(text), 'application/json', true)!.toString()).toBe(text)
    }
  })

  test('any bytes under any type: no throw, valid UTF-8, bounded', () => {
    const types = fc.constantFrom(
      'application/json',
      'application/x-www-form-urlencoded',
      'text/xml',
      'text/html',
      'text/plain',
      'application/graphql',
      'multipart/form-data; boundary=b',
    )
    const signs = letters('{}[]":,\\<>/=&%;-!?@#$()\r\n\t \'ab0149e.uX\u00e9', 0, 80).map((text) => Buffer.from(text))
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 80 }).map((list) => Buffer.from(list)),
      signs,
    )
    fc.assert(
      fc.property(types, bytes, fc.boolean(), (type, input, complete) => {
        const output = redactor.body(input, type, complete)
        if (output === undefined) return true
        return isUtf8(output) && output.length < 5000
      }),
      { ...RUNS, numRuns: Math.max(fuzz * 10, 3000) },
    )
  })
})
