import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Board } from './grafana.ts'

export type {
  Board,
  Calc,
  Cell,
  Color,
  ColorName,
  Drawing,
  Field,
  Link,
  Mapping,
  Override,
  Panel,
  PanelType,
  Property,
  QueryVariable,
  Target,
  Thresholds,
  Unit,
  Variable,
} from './grafana.ts'
export { type Asked, expand } from './macros.ts'

/** The folder of Grafana JSON, one file for each board, for provisioning. */
export const boardFolder = fileURLToPath(new URL('../dist/', import.meta.url))

let loaded: Board[] | undefined

/** All boards, the Overview first. */
export function boards(): Board[] {
  loaded ??= readdirSync(boardFolder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(new URL(`../dist/${name}`, import.meta.url), 'utf8')) as Board)
    .sort((a, b) => Number(b.uid === homeUid) - Number(a.uid === homeUid) || a.title.localeCompare(b.title))
  return loaded
}

const homeUid = 'callsight-overview'

/** The board of a uid, or undefined. */
export function boardOf(uid: string): Board | undefined {
  return boards().find((board) => board.uid === uid)
}

/**
 * Where the viewer's files are, as absolute paths: `index.html` of `page` is served as `/` and `/d/:uid`, `viewer`
 * under `/viewer/`, `uplot` under `/uplot/`.
 */
export const viewerFolders = {
  page: fileURLToPath(new URL('../viewer/', import.meta.url)),
  viewer: fileURLToPath(new URL('../viewer/', import.meta.url)),
  uplot: dirname(createRequire(import.meta.url).resolve('uplot')),
}
