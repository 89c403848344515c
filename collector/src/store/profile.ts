import type { ProfileName } from '../config/config.ts'
import { limits } from '../limits.ts'
import type { Store } from './store.ts'

/**
 * How the one source in sql/ is said to an engine.
 *
 * - `single`: one server, or the engine in this process; sql/ as it stands.
 * - `replicated`: one shard with replicas. Replicated engines with the server's default paths, and each statement on
 *   the whole cluster, unless a database of the engine Replicated carries statements to its replicas by itself.
 * - `cloud`: ClickHouse Cloud, which takes the plain engines for its shared ones.
 */
export interface Profile {
  readonly name: ProfileName
  /** For `ON CLUSTER`; undefined in a database of the engine Replicated. */
  readonly cluster?: string | undefined
}

/**
 * A statement of sql/ in a profile's words.
 *
 * @throws Error for a statement that this has not learnt, so that none goes to a cluster unnoticed on one server only
 */
export function render(statement: string, profile: Profile): string {
  if (profile.name === 'single') return statement
  const settings = statement.replace(
    /\bnon_replicated_deduplication_window = (\d+)/g,
    // The engine's own default of seconds is an hour; a segment can wait in the spool for days.
    `replicated_deduplication_window = $1, replicated_deduplication_window_seconds = ${limits.replicatedWindowS}`,
  )
  if (profile.name === 'cloud') return settings
  const engines = settings.replace(
    /\bENGINE = (Aggregating|Replacing|)MergeTree\b/,
    (_, kind: string) => `ENGINE = Replicated${kind}MergeTree`,
  )
  // Rows reach the replicas through the table.
  if (/^INSERT INTO /.test(engines)) return engines
  const head = /^(?:CREATE (?:TABLE|MATERIALIZED VIEW) IF NOT EXISTS|ALTER TABLE) \w+/.exec(engines)?.[0]
  if (head === undefined) throw new Error(`no profile knows how to say: ${statement.slice(0, 80)}`)
  if (profile.cluster === undefined) return engines
  return `${head} ON CLUSTER '${profile.cluster}'${engines.slice(head.length)}`
}

/** What is to be found out about a server before its tables are made. */
export interface Server {
  /** Engine of `calls`, or of another table that is there; undefined in a new database. */
  readonly tableEngine: string | undefined
  readonly databaseEngine: string
  readonly cloud: boolean
  /** Macros that replicated tables need, of those the server has. */
  readonly macros: readonly string[]
  readonly clusters: readonly { name: string; shards: number; replicas: number; here: boolean }[]
}

/** Asks the server. */
export async function inspect(store: Store): Promise<Server> {
  const [about] = await store.query<{ tableEngine: string; databaseEngine: string; cloud: number; macros: string[] }>(
    `SELECT (SELECT max(engine) FROM system.tables WHERE database = currentDatabase() AND name = 'migrations') AS tableEngine,
       (SELECT max(engine) FROM system.databases WHERE name = currentDatabase()) AS databaseEngine,
       (SELECT count() FROM system.settings WHERE name = 'cloud_mode' AND value IN ('1', 'true')) AS cloud,
       (SELECT groupArray(macro) FROM system.macros WHERE macro IN ('shard', 'replica')) AS macros`,
  )
  const clusters = await store.query<{ name: string; shards: number; replicas: number; here: number }>(
    `SELECT cluster AS name, toUInt32(uniqExact(shard_num)) AS shards, toUInt32(max(replica_num)) AS replicas, max(is_local) AS here
     FROM system.clusters GROUP BY cluster ORDER BY cluster`,
  )
  return {
    tableEngine: about!.tableEngine || undefined,
    databaseEngine: about!.databaseEngine,
    cloud: Number(about!.cloud) > 0,
    macros: about!.macros,
    clusters: clusters.map((cluster) => ({ ...cluster, here: Number(cluster.here) === 1 })),
  }
}

/**
 * Chooses the profile: what the tables already are, then what the configuration says, then what the server looks like.
 * A cluster nobody named is used only when there is no doubt: this server is one of several replicas in it.
 *
 * @throws Error when the configuration cannot be followed
 */
export function choose(
  server: Server,
  wanted: { profile?: ProfileName | undefined; cluster?: string | undefined },
): Profile {
  const asked = wanted.profile ?? (wanted.cluster === undefined ? undefined : 'replicated')
  const there = server.tableEngine === undefined ? undefined : profileOf(server.tableEngine)
  if (asked !== undefined && there !== undefined && asked !== there) {
    throw new Error(
      `the tables of this database are laid out as ${there}, and store.profile says ${asked}.\nWrite profile: ${there}, or name a new database in store.url.`,
    )
  }
  const name = there ?? asked ?? looksLike(server)
  if (name !== 'replicated') return { name }
  if (server.databaseEngine === 'Replicated') return { name }
  const absent = ['shard', 'replica'].filter((macro) => !server.macros.includes(macro))
  if (absent.length > 0) {
    throw new Error(
      `replicated tables need the macros shard and replica, and this server has no ${absent.join(' and no ')}.\nSet them under <macros> in its configuration, or write profile: single.`,
    )
  }
  return { name, cluster: clusterOf(server, wanted.cluster) }
}

function profileOf(engine: string): ProfileName {
  if (engine.startsWith('Replicated')) return 'replicated'
  return engine.startsWith('Shared') ? 'cloud' : 'single'
}

function looksLike(server: Server): ProfileName {
  if (server.cloud) return 'cloud'
  if (server.databaseEngine === 'Replicated') return 'replicated'
  const macros = server.macros.includes('shard') && server.macros.includes('replica')
  return macros && candidates(server).length > 0 ? 'replicated' : 'single'
}

function candidates({ clusters }: Server) {
  return clusters.filter(({ replicas, here }) => here && replicas > 1)
}

function clusterOf(server: Server, named: string | undefined): string {
  const names = server.clusters.map(({ name }) => name).join(', ') || 'none'
  if (named === undefined && candidates(server).length !== 1) {
    throw new Error(`which cluster the tables belong on is not clear: write store.cluster. The server knows: ${names}.`)
  }
  const cluster = named === undefined ? candidates(server)[0]! : server.clusters.find(({ name }) => name === named)
  if (cluster === undefined) {
    throw new Error(`store.cluster is ${named}, and the server knows no such cluster. It knows: ${names}.`)
  }
  if (cluster.shards > 1) {
    throw new Error(
      `the cluster ${cluster.name} has ${cluster.shards} shards. Callsight uses one shard with any number of replicas: define a cluster of one shard and name it in store.cluster.`,
    )
  }
  return cluster.name
}
