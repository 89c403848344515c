import Ajv from 'ajv'
import addFormats from 'ajv-formats'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { deliver, hostileNotice, noticeOf, type Receiver, resolvedNotice, startReceiver } from './receiver.ts'

/**
 * The elements of Adaptive Cards 1.4 that are used here, strictly. Source: https://adaptivecards.io/explorer and its schema
 * http://adaptivecards.io/schemas/1.4.0/adaptive-card.json; the message around it:
 * https://learn.microsoft.com/connectors/teams/?tabs=text1#microsoft-teams-webhook
 */
const strict = (type: string | undefined, required: object, optional: object = {}) => ({
  type: 'object',
  required: [...(type === undefined ? [] : ['type']), ...Object.keys(required)],
  additionalProperties: false,
  properties: { ...(type === undefined ? {} : { type: { const: type } }), ...required, ...optional },
})
const string = { type: 'string', minLength: 1 }
const look = {
  weight: { enum: ['Lighter', 'Default', 'Bolder'] },
  size: { enum: ['Small', 'Default', 'Medium', 'Large', 'ExtraLarge'] },
  color: { enum: ['Default', 'Dark', 'Light', 'Accent', 'Good', 'Warning', 'Attention'] },
  isSubtle: { type: 'boolean' },
}
const about = { separator: { type: 'boolean' }, spacing: { enum: ['Default', 'None', 'Small', 'Medium', 'Large'] } }
const inlines = { type: 'array', minItems: 1, items: strict('TextRun', { text: string }, look) }
const rich = strict('RichTextBlock', { inlines }, about)
const open = strict('Action.OpenUrl', { url: { type: 'string', format: 'uri' } }, { title: string })
const card = strict(
  'AdaptiveCard',
  {
    version: { const: '1.4' },
    body: {
      type: 'array',
      items: {
        oneOf: [
          rich,
          strict('ActionSet', { actions: { type: 'array', minItems: 1, maxItems: 6, items: open } }, about),
          strict(
            'Container',
            { items: { type: 'array', minItems: 1, items: rich } },
            {
              style: { enum: ['default', 'emphasis', 'good', 'attention', 'warning', 'accent'] },
              bleed: { type: 'boolean' },
            },
          ),
        ],
      },
    },
  },
  { $schema: string, fallbackText: string, msteams: strict(undefined, { width: { const: 'Full' } }) },
)
const message = strict('message', {
  attachments: {
    type: 'array',
    minItems: 1,
    maxItems: 1,
    items: strict(undefined, {
      contentType: { const: 'application/vnd.microsoft.card.adaptive' },
      contentUrl: { type: 'null' },
      content: card,
    }),
  },
})
const valid = addFormats.default(new Ajv({ allErrors: true })).compile(message)

let receiver: Receiver
beforeAll(async () => {
  receiver = await startReceiver()
})
afterAll(() => receiver.close())
beforeEach(() => {
  receiver.received.length = 0
  receiver.answer = () => ({ status: 202 })
})

it.each([
  ['a firing group', noticeOf(), 'Firing: slow-checkout', 'attention'],
  ['a resolved one', resolvedNotice(), 'Resolved: slow-checkout', 'good'],
  ['what callers call themselves', hostileNotice(), 'Firing: rule 0', 'attention'],
])('%s is a card that Teams takes', async (_, notice, title, style) => {
  expect(await deliver({ teams: `${receiver.url}/workflows/x` }, notice)).toMatchObject({
    kind: 'delivered',
    status: 202,
  })
  const { body } = receiver.received[0]!
  const parsed = JSON.parse(body)
  expect(valid(parsed), JSON.stringify(valid.errors)).toBe(true)
  // https://learn.microsoft.com/microsoftteams/limits-specifications-teams
  expect(Buffer.byteLength(body)).toBeLessThan(28 * 1024)
  const { content } = parsed.attachments[0]
  expect(content.fallbackText.startsWith(title)).toBe(true)
  expect(content.body[0].style).toBe(style)
})

it('says how many alerts it left out', async () => {
  await deliver({ teams: receiver.url }, hostileNotice())
  const { content } = JSON.parse(receiver.received[0]!.body).attachments[0]
  const told = content.body.filter(({ separator }: { separator?: boolean }) => separator).length
  expect(told).toBeGreaterThan(3)
  expect(content.body.at(-1).inlines[0].text).toBe(
    `${107 - told} more alerts left out here; the board has all of them.`,
  )
})

it.each([
  [429, 'later'],
  [502, 'later'],
  [401, 'refused'],
  [404, 'refused'],
])('an answer %i is %s', async (status, kind) => {
  receiver.answer = () => ({ status, body: '{"error":{"code":"x"}}' })
  expect(await deliver({ teams: receiver.url }, noticeOf())).toMatchObject({ kind, status })
})
