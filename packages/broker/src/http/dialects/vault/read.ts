import { duration } from '../../../base/duration.ts'
import { Failure } from '../../../base/failure.ts'
import { newId } from '../../../base/id.ts'
import { Secret } from '../../../base/secret.ts'
import type { ExchangeRequest } from '../../../exchange.ts'
import { type Answer, type Asked, json } from '../../answer.ts'
import type { VaultDoor } from '../../doors.ts'
import { parseForm } from '../../form.ts'
import { behind, type DialectParts } from '../behind.ts'
import { readJson, refuseBodyOfGet } from '../json-body.ts'
import { dataOf, type Engine, kindsOf } from './data.ts'
import { replyOf, vault } from './reply.ts'
import { sessionTokenOf } from './session-token.ts'

interface Wanted {
  readonly engine: Engine
  /** As the client's path ends, or as the configuration knows it. */
  readonly path: string
  readonly target: string
  readonly key?: string
  /** Seconds. */
  readonly ttl?: number
}

/** `GET` of a path of an engine whose last part is the name of a target. */
export function readOf(engine: Engine): (asked: Asked, parts: DialectParts) => Promise<Answer> {
  return (asked, parts) =>
    behind(vault, parts, async () => {
      const { name = '' } = asked
      const ttl = asked.body.length > 0 ? ttlOfBody(asked) : ttlOfQuery(asked)
      return await read(asked, parts, {
        ...{ engine, path: `${engine}/${name}`, target: name },
        ...(ttl === undefined ? {} : { ttl }),
      })
    })
}

/** `GET` of a path that the configuration knows. */
export function answerKnownPath(asked: Asked, parts: DialectParts): Promise<Answer> {
  return behind(vault, parts, async (door) => {
    const { name: path = '' } = asked
    const meant = door.paths.get(path)
    if (meant === undefined) throw new Failure('internal', { reason: 'a path without a target' })
    const ttl = ttlOfQuery(asked)
    const engine = path.split('/')[1] === 'data' ? 'data' : 'any'
    return await read(asked, parts, { ...{ engine, path }, ...meant, ...(ttl === undefined ? {} : { ttl }) })
  })
}

/** The names of the doors of known paths. */
export function knownPaths(door: VaultDoor | undefined): readonly string[] {
  return [...(door?.paths.keys() ?? [])]
}

async function read(
  asked: Asked,
  { exchange, undelivered, tools }: DialectParts,
  wanted: Wanted,
): Promise<Answer> {
  const answer = await exchange(requestOf(asked, wanted))
  const { leaseId } = answer
  const reply = replyOf(newId('rq', tools), {
    leaseId: `${wanted.path}/${leaseId}`,
    leaseDuration: Math.max(0, answer.expiresAt - answer.issuedAt),
    data: dataOf(wanted.engine, answer, wanted.key),
  })
  return { ...json(200, reply), dropped: () => undelivered(leaseId) }
}

function requestOf(asked: Asked, { engine, target, ttl }: Wanted): ExchangeRequest {
  const kinds = kindsOf(engine)
  return {
    ...{ subjectToken: new Secret(sessionTokenOf(asked)), session: true, via: vault.via, target },
    ...(ttl === undefined ? {} : { seconds: ttl }),
    misfit: ({ kind }) =>
      kinds === undefined || kinds.has(kind)
        ? undefined
        : `a target of kind ${kind} is not read at ${engine}/`,
  }
}

/** What else Vault knows would narrow or choose: ignored, it would give more, or another thing. */
function ttlOfQuery(asked: Asked): number | undefined {
  refuseBodyOfGet(asked)
  const query = parseForm(asked.query)
  return ttlOf(query.names(), query.get('ttl'))
}

function ttlOfBody(asked: Asked): number | undefined {
  if (asked.query !== '') throw malformed('Ask in the query or in the body, not in both.')
  const body = readJson(asked)
  return ttlOf(Object.keys(body), body['ttl'])
}

function ttlOf(names: readonly string[], value: unknown): number | undefined {
  const other = names.find((name) => name !== 'ttl')
  if (other !== undefined)
    throw malformed('Nothing but ttl can be asked for: the rest is said by the target.')
  if (value === undefined) return undefined
  const seconds = /^\d{1,9}$/.test(String(value)) ? Number(value) : duration.safeParse(value).data
  if (seconds === undefined || seconds < 1) throw malformed('ttl must be seconds, or such as 10m.')
  return seconds
}

function malformed(detail: string): Failure {
  return new Failure('request_malformed', { detail })
}
