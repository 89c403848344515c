import { describe, expect, test } from 'vitest'
import { expand } from './macros.ts'
import { overview as board } from './overview.ts'

const from = Date.parse('2026-11-21T10:00:00.700Z')
const to = Date.parse('2026-11-21T11:00:00.200Z')
const [first, last] = [1795255200, 1795258800]

function expanded(sql: string, variables: Record<string, string | string[]> = {}, intervalMs = 20_000): string {
  return expand(sql, { from, to, intervalMs, variables, board })
}

describe('macros', () => {
  test('times are whole seconds, and the filter has both ends', () => {
    expect(expanded('$__timeFilter(ts)')).toBe(`ts >= toDateTime(${first}) AND ts <= toDateTime(${last})`)
    expect(expanded('$__fromTime,$__toTime')).toBe(`toDateTime(${first}),toDateTime(${last})`)
  })

  test('the interval is at least a second', () => {
    expect(expanded('$__interval_s')).toBe('20')
    expect(expanded('$__interval_s', {}, 200)).toBe('1')
    expect(expanded('$__timeInterval(ts)')).toBe('toStartOfInterval(toDateTime(ts), INTERVAL 20 second)')
  })

  test('macros nest, and strings hide parentheses and commas from them', () => {
    expect(expanded('$__timeInterval($__fromTime)')).toBe(
      `toStartOfInterval(toDateTime(toDateTime(${first})), INTERVAL 20 second)`,
    )
    expect(expanded("$__conditionalAll(a = ')' AND f(b, ',') = 'it\\'s (', $service) AND 1", { service: 'x' })).toBe(
      "a = ')' AND f(b, ',') = 'it\\'s (' AND 1",
    )
  })

  test('a condition goes when all are chosen', () => {
    const sql = `$__conditionalAll(service IN (\${service:singlequote}), $service)`
    for (const service of ['$__all', '', [], ['$__all']]) expect(expanded(sql, { service })).toBe('1=1')
    expect(expanded(sql)).toBe('1=1')
    expect(expanded(sql, { service: 'shop' })).toBe("service IN ('shop')")
    expect(expanded(sql, { service: ['a', 'b'] })).toBe("service IN ('a','b')")
  })

  test("replacement patterns of JavaScript's replace mean nothing in a condition", () => {
    expect(expanded("$__conditionalAll(match(r, '^/a$'), $service) AND x", { service: '$&' })).toBe(
      "match(r, '^/a$') AND x",
    )
  })

  test.each([
    ['$__nothing(x)', /unknown macro \$__nothing/],
    ['$__timeFilter', /takes 1 argument/],
    ['$__timeFilter(a, b)', /takes 1 argument/],
    ['$__timeFilter(a', /takes 1 argument/],
    ['$__conditionalAll(a, b)', /takes a variable as its second argument/],
    [`$__conditionalAll(1, $other)`, /no variable other/],
    ['service = $service', /write \$\{service:singlequote\} instead of \$service/],
    [`service = \${service}`, /write \$\{service:singlequote\}/],
    [`service = \${service:raw}`, /write \$\{service:singlequote\}/],
  ])('refuses %s', (sql, message) => {
    expect(() => expanded(sql, { service: 'shop' })).toThrow(message)
  })

  test('refuses a list of all values outside of a condition', () => {
    expect(() => expanded(`service IN (\${service:singlequote})`)).toThrow(/put the condition into/)
  })
})

describe('values cannot leave their string', () => {
  const sql = `service IN (\${service:singlequote})`

  test.each([
    ["o'brien", "'o\\'brien'"],
    ['back\\slash', "'back\\\\slash'"],
    ["\\' OR 1=1 --", "'\\\\\\' OR 1=1 --'"],
    ["') UNION ALL SELECT 1 --", "'\\') UNION ALL SELECT 1 --'"],
    ['\0', "'\\0'"],
  ])('%j becomes %s', (value, literal) => {
    expect(expanded(sql, { service: value })).toBe(`service IN (${literal})`)
  })

  test('a macro or variable in a value stays text', () => {
    const value = `$__timeFilter(ts) \${service:singlequote} $service`
    expect(expanded(sql, { service: value })).toBe(`service IN ('${value}')`)
  })

  test('names of the prototype are no variables', () => {
    expect(() => expanded(`\${constructor:singlequote}`)).toThrow(/no variable constructor/)
  })
})
