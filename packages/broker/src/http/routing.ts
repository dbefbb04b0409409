/** The routing table: which path opens which door. Data, so that it can be read, tested and documented. */
import type { Asked } from './answer.ts'
import { answerCheckpoint, answerConsistency, answerEntries, answerInclusion } from './audit.ts'
import { answerConnect, switchToConnector } from './connect.ts'
import { dialectRows } from './dialects/rows.ts'
import type { DoorRow } from './door-row.ts'
import type { Doors } from './doors.ts'
import { answerHealth, answerMetrics, answerReadiness } from './health.ts'
import { answerIntrospection } from './introspect.ts'
import { discoveryDocument, publicDocument } from './metadata.ts'
import { answerRevocation } from './revoke.ts'
import { answerKrl } from './ssh-krl.ts'
import { answerToken } from './token.ts'
import { answerGithubWebhook, refuseUnread } from './webhooks.ts'

const formLimit = 16_384
const webhookLimit = 524_288

export const table: readonly DoorRow[] = [
  post('token', '/token', (asked, doors) => answerToken(asked, doors)),
  post('introspect', '/introspect', answerIntrospection),
  post('revoke', '/revoke', answerRevocation),
  {
    ...post('webhooks.github', '/webhooks/github', answerGithubWebhook),
    bodyLimit: webhookLimit,
    unread: (headers, doors) => refuseUnread(headers, webhookLimit, doors),
    opens: (doors) => doors.githubWebhook !== undefined,
  },
  wellKnown('openid-configuration'),
  wellKnown('oauth-authorization-server'),
  get('jwks', '/.well-known/jwks.json', async (asked, doors) => publicDocument(asked, await doors.jwks())),
  get('audit.checkpoint', '/audit/checkpoint', answerCheckpoint),
  {
    ...get('audit.entries', '/audit/entries', answerEntries),
    opens: (doors) => doors.audit.reader !== undefined,
  },
  get('audit.inclusion', '/audit/proof/inclusion', answerInclusion),
  get('audit.consistency', '/audit/proof/consistency', answerConsistency),
  {
    ...get('ssh.krl', '/ssh/{name}/krl', answerKrl),
    names: (doors) => doors.sshRevocations?.authorities ?? [],
  },
  {
    ...get('connect', '/connect/{name}', answerConnect),
    names: (doors) => doors.connectors?.names ?? [],
    switches: switchToConnector,
  },
  get('health', '/healthz', answerHealth),
  get('ready', '/readyz', (_asked, doors, state) => answerReadiness(doors, state.draining)),
  get('metrics', '/metrics', (_asked, doors) => answerMetrics(doors)),
  ...dialectRows,
]

function post(name: string, path: string, answer: DoorRow['answer']): DoorRow {
  return { name, method: 'POST', path, bodyLimit: formLimit, answer }
}

function get(name: string, path: string, answer: DoorRow['answer']): DoorRow {
  return { name, method: 'GET', path, bodyLimit: 0, answer }
}

function wellKnown(name: string): DoorRow {
  const answer: DoorRow['answer'] = (asked, doors) => publicDocument(asked, discoveryDocument(doors))
  return { ...get(name, `/.well-known/${name}`, answer), wellKnown: true }
}

/** A door of many names as many doors. */
function named(row: DoorRow, doors: Doors): readonly DoorRow[] {
  if (row.names === undefined) return [row]
  const { switches } = row
  return row.names(doors).map((name) => ({
    ...row,
    path: row.path.replace('{name}', name),
    answer: (asked, behind, state) => row.answer({ ...asked, name }, behind, state),
    ...(switches === undefined
      ? {}
      : { switches: (asked: Asked, behind: Doors) => switches({ ...asked, name }, behind) }),
  }))
}

/** What is at one path: a door, or nothing that the method would open. */
export type Found = { readonly row: DoorRow } | { readonly allow: string }

/** The way from a path and a method to a door; `undefined` when nothing is at that path. */
export type Router = (method: string, path: string) => Found | undefined

/**
 * Builds the router. An issuer with a path (`https://example.com/mayfly`) finds its doors below that path, at the
 * root for a reverse proxy that cuts it off, and its discovery where RFC 8414 3.1 puts it.
 */
export function openRouter(doors: Doors): Router {
  const base = new URL(doors.url).pathname.replace(/\/$/, '')
  const exact = new Map<string, DoorRow[]>()
  const open = table.flatMap((each) => named(each, doors)).filter((row) => row.opens?.(doors) !== false)
  for (const row of open.filter(({ path }) => !path.includes('{'))) {
    const root = row.path === '/' && base !== '' ? [base] : []
    const below = row.wellKnown === true ? [row.path + base] : []
    for (const path of new Set([row.path, base + row.path, ...root, ...below]))
      exact.set(path, [...(exact.get(path) ?? []), row])
  }
  const patterns = patternsOf(
    open.filter(({ path }) => path.includes('{')),
    base,
  )
  return (method, path) => {
    const rows = exact.get(path)
    return rows === undefined ? patterns(method, path) : choose(rows, method)
  }
}

/** RFC 9110 9.3.2: HEAD is GET without the body, which Node leaves out by itself. */
function choose(rows: readonly DoorRow[], method: string): Found {
  const row = rows.find(
    (each) => each.method === method || (method === 'HEAD' && each.method === 'GET' && each.makes !== true),
  )
  if (row !== undefined) return { row }
  const allowed = rows.map((each) =>
    each.method === 'GET' && each.makes !== true ? 'GET, HEAD' : each.method,
  )
  return { allow: [...new Set(allowed)].join(', ') }
}

/** Parts of paths that callers choose: nothing of them is an escape, a dot segment or empty. */
const part = '[A-Za-z0-9][A-Za-z0-9._-]{0,127}'

function patternsOf(rows: readonly DoorRow[], base: string): Router {
  const byPath = Map.groupBy(rows, ({ path }) => path)
  const patterns = [...byPath].map(([path, those]) => ({
    rows: those,
    form: new RegExp(`^${path.replaceAll('{mount}', part).replace('{name}', `(?<name>${part})`)}$`),
  }))
  return (method, asked) => {
    const path = base !== '' && asked.startsWith(`${base}/`) ? asked.slice(base.length) : asked
    for (const { rows: those, form } of patterns) {
      const match = form.exec(path)
      if (match === null) continue
      const found = choose(those, method)
      const name = match.groups?.['name']
      if ('allow' in found || name === undefined) return found
      const { row } = found
      return { row: { ...row, answer: (all, doors, state) => row.answer({ ...all, name }, doors, state) } }
    }
    return undefined
  }
}
