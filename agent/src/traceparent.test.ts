import { expect, test } from 'vitest'
import { parseTraceParent } from './traceparent.ts'

const T = '0af7651916cd43dd8448eb211c80319c'
const S = 'b7ad6b7169203331'

test.each([
  [`00-${T}-${S}-01`, true],
  [`00-${T}-${S}-00`, false],
  [`00-${T}-${S}-03`, true],
  [`01-${T}-${S}-01-later`, true],
])('%s is followed', (header, sampled) => {
  expect(parseTraceParent(header)).toEqual({ traceId: T, spanId: S, sampled })
})

test.each([
  undefined,
  '',
  `ff-${T}-${S}-01`,
  `00-${T}-${S}-01-more`,
  `00-${'0'.repeat(32)}-${S}-01`,
  `00-${T}-${'0'.repeat(16)}-01`,
  `00-${T.toUpperCase()}-${S}-01`,
])('%s is ignored', (header) => {
  expect(parseTraceParent(header)).toBeUndefined()
})
