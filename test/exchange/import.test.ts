import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { callsightProgram } from '../program.ts'

const folder = fileURLToPath(new URL('files', import.meta.url))

async function callsight(...words: string[]) {
  const run = promisify(execFile)(process.execPath, [callsightProgram, ...words], { cwd: folder })
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
  )
}

const imported = (...files: string[]) => callsight('objective', 'import', ...files)

describe('callsight objective import', () => {
  it('reads the objectives of Sloth, and names what it cannot', async () => {
    const { code, stdout, stderr } = await imported('sloth.yaml')
    expect(parse(stdout)).toEqual({
      objectives: [
        {
          name: 'checkout-availability',
          service: 'checkout',
          failed: ['server_error', 'timeout', 429],
          target: '99.9%',
          window: '30d',
        },
        {
          name: 'checkout-latency',
          service: 'checkout',
          operation: 'POST /orders',
          good: { latency_below: '250ms' },
          target: '99%',
          window: '30d',
        },
      ],
    })
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(
        /^sloth\.yaml:\d+:\d+: slos\[2\]\.sli: a raw ratio does not say which calls it counts; give error_query and total_query$/,
      ),
      '2 objectives imported, 1 faults',
      '',
    ])
    expect(code).toBe(1)
  })

  it("reads Sloth as Kubernetes has it, with a window of one's choice", async () => {
    const { code, stdout } = await imported('sloth-kubernetes.yaml', '--window', '28d')
    expect(parse(stdout)).toEqual({
      objectives: [{ name: 'shop-availability', service: 'shop', target: '99.5%', window: '28d' }],
    })
    expect(code).toBe(0)
  })

  it('reads the objectives of Pyrra', async () => {
    const { code, stdout, stderr } = await imported('pyrra.yaml')
    expect(stderr).toBe('3 objectives imported, 0 faults\n')
    expect(parse(stdout)).toEqual({
      objectives: [
        {
          name: 'orders-latency',
          service: 'shop',
          operation: '* /api/v1/orders',
          good: { latency_below: '1s' },
          target: '99%',
          window: '4w',
        },
        { name: 'orders-errors', service: 'shop', per: 'consumer', target: '99.9%', window: '2w' },
        { name: 'orders-native', service: 'shop', good: { latency_below: '250ms' }, target: '95%', window: '30d' },
      ],
    })
    expect(code).toBe(0)
  })

  it('reads OpenSLO, whose objects may stand in several files', async () => {
    const { code, stdout, stderr } = await imported('openslo.yaml', 'openslo-shared.yaml')
    expect(stderr).toBe('4 objectives imported, 0 faults\n')
    expect(parse(stdout)).toEqual({
      objectives: [
        {
          name: 'orders-fast',
          service: 'checkout',
          operation: 'POST /orders',
          good: { latency_below: '300ms' },
          target: '99.5%',
          window: '28d',
        },
        {
          name: 'month',
          service: 'shop',
          target: '99.9%',
          window: 'month',
          time_zone: 'Europe/Berlin',
          method: 'timeslices',
          slice: '5m',
          slice_target: '99%',
        },
        { name: 'two-1', service: 'shop', good: { latency_below: '500ms' }, target: '95%', window: '30d' },
        { name: 'two-2', service: 'shop', good: { latency_below: '1500ms' }, target: '99%', window: '30d' },
      ],
      alerts: [
        {
          name: 'orders-fast-burn-1h',
          objective: 'orders-fast',
          when: 'burn_rate > 14.4',
          over: '1h',
          for: '2m',
          severity: 'page',
          notify: ['ops'],
        },
      ],
    })
    expect(code).toBe(0)
  })

  it('names every fault with its place', async () => {
    const { code, stdout, stderr } = await imported('faulty.yaml', 'nothing.yaml')
    expect(stdout).toBe('')
    expect(stderr.split('\n')).toEqual([
      'faulty.yaml:1:1: is neither OpenSLO, Sloth nor Pyrra; it needs apiVersion: openslo/v1, version: prometheus/v1 or kind: ServiceLevelObjective',
      'faulty.yaml:3:13: apiVersion: "openslo/v2alpha" is not read; write it as openslo/v1',
      'faulty.yaml:8:7: kind: there is no kind "Promise"; write SLO, SLI, AlertPolicy …',
      'faulty.yaml:17:5: spec.objectives[0]: there is no SLI "elsewhere"; give the file that has it, too',
      'faulty.yaml:26:5: spec.indicator: a bool_gauge counts no calls; write the objective by hand',
      "nothing.yaml:1:1: cannot be read: ENOENT: no such file or directory, stat 'nothing.yaml'; check the path and its permissions",
      '0 objectives imported, 6 faults',
      '',
    ])
    expect(code).toBe(1)
  })
})

describe('openslo: in callsight.yaml', () => {
  it('adds the objectives and alerts of the files', async () => {
    const { code, stdout } = await callsight('check', join(folder, 'with-openslo.yaml'))
    expect(stdout).toBe(
      `${join(folder, 'with-openslo.yaml')} is fine: 0 tokens, 0 consumers, 0 plans, 0 quotas, 5 objectives, 1 alert, 1 channel\n`,
    )
    expect(code).toBe(0)
  })

  it('faults of the files have their places there', async () => {
    const { code, stderr } = await callsight('check', join(folder, 'with-faulty-openslo.yaml'))
    expect(stderr.replaceAll(`${folder}/`, '').split('\n')).toEqual([
      "missing.yaml:1:1: cannot be read: ENOENT: no such file or directory, stat 'missing.yaml'; check the path and its permissions",
      'sloth.yaml:1:1: is not OpenSLO; write apiVersion: openslo/v1, or import the file with "callsight objective import"',
      'openslo.yaml:12:16: spec.objectives[0]: name: the objective "orders-fast" is there twice; rename or remove one',
      'openslo.yaml:13:19: spec.alertPolicies[0]: notify[0]: there is no channel "ops"; add it under channels, or use one that is there',
      '',
    ])
    expect(code).toBe(1)
  })
})
