/** The routing table: which path opens which door. Data, so that it can be read, tested and documented. */
import type { Answer, Asked } from './answer.ts'
import { answerCheckpoint, answerConsistency, answerEntries, answerInclusion } from './audit.ts'
import type { Doors } from './doors.ts'
import { answerHealth, answerMetrics, answerReadiness } from './health.ts'
import { answerIntrospection } from './introspect.ts'
import { discoveryDocument, publicDocument } from './metadata.ts'
import { answerRevocation } from './revoke.ts'
import { answerKrl } from './ssh-krl.ts'
import { answerToken } from './token.ts'
import { answerGithubWebhook, refuseUnread } from './webhooks.ts'

export interface DoorRow {
  /** As metrics and tests know it. */
  readonly name: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Also at the path that RFC 8414 3 makes for an issuer with a path of its own. */
  readonly wellKnown?: true
  /** Bytes of a body, counted before anything is parsed. */
  readonly bodyLimit: number
  /** Present when the configuration opens this door. */
  readonly opens?: (doors: Doors) => boolean
  /** The path holds `{name}`: there is one such door for each of these. */
  readonly names?: (doors: Doors) => readonly string[]
  /** Refuses by the headers alone, before a byte of the body is read. */
  readonly unread?: (headers: Asked['headers'], doors: Doors) => Promise<Answer | undefined>
  readonly answer: (asked: Asked, doors: Doors, state: DoorState) => Answer | Promise<Answer>
}

export interface DoorState {
  readonly draining: boolean
}

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
  get('health', '/healthz', answerHealth),
  get('ready', '/readyz', (_asked, doors, state) => answerReadiness(doors, state.draining)),
  get('metrics', '/metrics', (_asked, doors) => answerMetrics(doors)),
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
  return row.names(doors).map((name) => ({
    ...row,
    path: row.path.replace('{name}', name),
    answer: (asked, behind, state) => row.answer({ ...asked, name }, behind, state),
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
  const found = new Map<string, DoorRow>()
  for (const row of table.flatMap((each) => named(each, doors))) {
    if (row.opens?.(doors) === false) continue
    found.set(row.path, row)
    found.set(base + row.path, row)
    if (row.wellKnown === true) found.set(row.path + base, row)
  }
  return (method, path) => {
    const row = found.get(path)
    if (row === undefined) return undefined
    // RFC 9110 9.3.2: HEAD is GET without the body, which Node leaves out by itself.
    if (method === row.method || (method === 'HEAD' && row.method === 'GET')) return { row }
    return { allow: row.method === 'GET' ? 'GET, HEAD' : row.method }
  }
}
