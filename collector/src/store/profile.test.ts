import { describe, expect, it } from 'vitest'
import { choose, render, type Server } from './profile.ts'

const server: Server = {
  tableEngine: undefined,
  databaseEngine: 'Atomic',
  cloud: false,
  macros: [],
  // What a fresh server comes with.
  clusters: [{ name: 'default', shards: 1, replicas: 1, here: true }],
}
const replica = {
  ...server,
  macros: ['replica', 'shard'],
  clusters: [
    { name: 'everything', shards: 2, replicas: 1, here: true },
    { name: 'monitoring', shards: 1, replicas: 3, here: true },
    { name: 'elsewhere', shards: 1, replicas: 2, here: false },
  ],
}

describe('choose', () => {
  it('takes what the server looks like', () => {
    expect(choose(server, {})).toEqual({ name: 'single' })
    expect(choose(replica, {})).toEqual({ name: 'replicated', cluster: 'monitoring' })
    expect(choose({ ...server, cloud: true }, {})).toEqual({ name: 'cloud' })
    expect(choose({ ...server, databaseEngine: 'Replicated' }, {})).toEqual({ name: 'replicated' })
    // Replicated tables could not be made here.
    expect(choose({ ...replica, macros: ['shard'] }, {})).toEqual({ name: 'single' })
  })

  it('takes what the configuration says', () => {
    expect(choose(replica, { profile: 'single' })).toEqual({ name: 'single' })
    expect(choose(replica, { cluster: 'elsewhere' })).toEqual({ name: 'replicated', cluster: 'elsewhere' })
    expect(choose({ ...server, cloud: true }, { profile: 'cloud' })).toEqual({ name: 'cloud' })
  })

  it('takes what the tables already are, whatever the server has become', () => {
    expect(choose({ ...replica, tableEngine: 'MergeTree' }, {})).toEqual({ name: 'single' })
    expect(choose({ ...replica, tableEngine: 'ReplicatedMergeTree' }, {})).toEqual({
      name: 'replicated',
      cluster: 'monitoring',
    })
    expect(choose({ ...server, tableEngine: 'SharedMergeTree' }, {})).toEqual({ name: 'cloud' })
    expect(() => choose({ ...replica, tableEngine: 'MergeTree' }, { profile: 'replicated' })).toThrow(
      'the tables of this database are laid out as single, and store.profile says replicated.\nWrite profile: single, or name a new database in store.url.',
    )
  })

  it('says what is missing for replicas', () => {
    expect(() => choose(server, { profile: 'replicated' })).toThrow(
      'replicated tables need the macros shard and replica, and this server has no shard and no replica.\nSet them under <macros> in its configuration, or write profile: single.',
    )
    expect(() => choose({ ...replica, clusters: server.clusters }, { profile: 'replicated' })).toThrow(
      'which cluster the tables belong on is not clear: write store.cluster. The server knows: default.',
    )
    expect(() => choose(replica, { cluster: 'monitring' })).toThrow(
      'store.cluster is monitring, and the server knows no such cluster. It knows: everything, monitoring, elsewhere.',
    )
    expect(() => choose(replica, { cluster: 'everything' })).toThrow(
      'the cluster everything has 2 shards. Callsight uses one shard with any number of replicas: define a cluster of one shard and name it in store.cluster.',
    )
  })
})

describe('render', () => {
  const table = `CREATE TABLE IF NOT EXISTS t (x UInt8) ENGINE = ReplacingMergeTree(x) ORDER BY x SETTINGS non_replicated_deduplication_window = 1000`

  it('says one source in three ways', () => {
    expect(render(table, { name: 'single' })).toBe(table)
    expect(render(table, { name: 'cloud' })).toBe(
      'CREATE TABLE IF NOT EXISTS t (x UInt8) ENGINE = ReplacingMergeTree(x) ORDER BY x SETTINGS replicated_deduplication_window = 1000, replicated_deduplication_window_seconds = 604800',
    )
    const replicated =
      "CREATE TABLE IF NOT EXISTS t ON CLUSTER 'c' (x UInt8) ENGINE = ReplicatedReplacingMergeTree(x) ORDER BY x SETTINGS replicated_deduplication_window = 1000, replicated_deduplication_window_seconds = 604800"
    expect(render(table, { name: 'replicated', cluster: 'c' })).toBe(replicated)
    // A database of the engine Replicated carries the statement itself.
    expect(render(table, { name: 'replicated' })).toBe(replicated.replace(" ON CLUSTER 'c'", ''))
  })

  it('inserts into one replica only', () => {
    expect(render('INSERT INTO t SELECT 1', { name: 'replicated', cluster: 'c' })).toBe('INSERT INTO t SELECT 1')
  })

  it('refuses a statement that would stay on one server', () => {
    expect(() => render('OPTIMIZE TABLE t', { name: 'replicated', cluster: 'c' })).toThrow(
      'no profile knows how to say: OPTIMIZE TABLE t',
    )
  })
})
