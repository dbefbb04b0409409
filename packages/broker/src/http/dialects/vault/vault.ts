/**
 * vault: login, reading, leases and tokens as clients of Vault and OpenBao speak them, below `/v1`. A login opens a
 * session; each read is one exchange by it. It only translates: it never decides, and it keeps nothing.
 */
import { Failure } from '../../../base/failure.ts'
import { newId } from '../../../base/id.ts'
import { Secret } from '../../../base/secret.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Lease } from '../../../domain.ts'
import { type Answer, type Asked, json, noStore } from '../../answer.ts'
import type { Doors, VaultDoor } from '../../doors.ts'
import { behind, type DialectParts } from '../behind.ts'
import { readJson, refuseBodyOfGet, textOf } from '../json-body.ts'
import { replyOf, vault } from './reply.ts'
import { sessionTokenOf } from './session-token.ts'

/** `POST|PUT /v1/auth/{mount}/login` with `jwt` and `role`. The role means nothing here: the policy has the word. */
export function answerLogin(asked: Asked, parts: DialectParts): Promise<Answer> {
  return behind(vault, parts, async ({ sessions }) => {
    if (asked.query !== '') throw malformed('Send jwt and role in the body.')
    const body = readJson(asked)
    const jwt = textOf(body, 'jwt')
    const role = textOf(body, 'role')
    if (jwt === undefined) throw malformed('jwt is missing.')
    if (role !== undefined && !/^[\w-]{1,64}$/.test(role))
      throw malformed('role must be letters, digits, - and _.')
    const opened = await sessions.open({
      ...{ subjectToken: new Secret(jwt), via: vault.via },
      ...(role === undefined ? {} : { role }),
    })
    const { lease, token } = opened
    const auth = {
      client_token: token.reveal(),
      accessor: lease.id,
      ...{ policies: [], token_policies: [], identity_policies: [] },
      metadata: { issuer: lease.issuer, ...(role === undefined ? {} : { role }) },
      lease_duration: lease.expiresAt - lease.createdAt,
      ...{ renewable: false, entity_id: '', token_type: 'service', orphan: true, num_uses: 0 },
    }
    return {
      ...json(200, replyOf(newId('rq', parts.tools), { auth })),
      dropped: () => parts.undelivered(lease.id),
    }
  })
}

/** `GET /v1/auth/token/lookup-self`. */
export function answerLookup(asked: Asked, parts: DialectParts): Promise<Answer> {
  return behind(vault, parts, async ({ sessions }) => {
    refuseBodyOfGet(asked)
    const lease = await sessions.find(sessionTokenOf(asked))
    const data = {
      ...{ id: '[not shown]', accessor: lease.id, display_name: lease.subject, entity_id: '' },
      ...{ creation_time: lease.createdAt, creation_ttl: lease.expiresAt - lease.createdAt },
      ...{ ttl: left(lease, parts.tools), expire_time: timeOf(lease.expiresAt) },
      ...{ explicit_max_ttl: 0, num_uses: 0, orphan: true, renewable: false, type: 'service' },
      ...{ path: 'auth/jwt/login', policies: [], meta: { issuer: lease.issuer } },
    }
    return json(200, replyOf(newId('rq', parts.tools), { data }))
  })
}

/** `POST|PUT /v1/auth/token/revoke-self`: the session and all that was asked for by it. */
export function answerRevokeSelf(asked: Asked, parts: DialectParts): Promise<Answer> {
  return behind(vault, parts, async ({ sessions }) => {
    await sessions.end(sessionTokenOf(asked))
    return { status: 204, headers: noStore, body: '' }
  })
}

/** `…/renew-self` and `sys/leases/renew`: whoever needs more time asks again, with a token of the platform. */
export function answerRenewal(asked: Asked, parts: DialectParts): Promise<Answer> {
  return behind(vault, parts, async ({ sessions }) => {
    await sessions.find(sessionTokenOf(asked))
    throw malformed('lease is not renewable: log in, or read, again.')
  })
}

/** `POST|PUT /v1/sys/leases/revoke` with `lease_id`: one that was asked for by this session. */
export function answerLeaseRevocation(asked: Asked, parts: DialectParts): Promise<Answer> {
  return behind(vault, parts, async (door) => {
    await door.end(await leaseOf(asked, door))
    return { status: 204, headers: noStore, body: '' }
  })
}

/** `POST|PUT /v1/sys/leases/lookup` with `lease_id`. */
export function answerLeaseLookup(asked: Asked, parts: DialectParts): Promise<Answer> {
  return behind(vault, parts, async (door) => {
    const lease = await leaseOf(asked, door)
    const data = {
      ...{ id: lease.id, issue_time: timeOf(lease.createdAt), expire_time: timeOf(lease.expiresAt) },
      ...{ last_renewal: null, renewable: false, ttl: left(lease, parts.tools) },
    }
    return json(200, replyOf(newId('rq', parts.tools), { data }))
  })
}

/** `GET /v1/sys/health`: 200 = initialised, unsealed and active. */
export function answerVaultHealth(_asked: Asked, parts: Pick<Doors, 'tools'>): Answer {
  const now = Math.floor(parts.tools.now() / 1000)
  return json(200, {
    ...{ initialized: true, sealed: false, standby: false, performance_standby: false },
    ...{ server_time_utc: now, version: 'mayfly' },
  })
}

async function leaseOf(asked: Asked, { sessions }: VaultDoor): Promise<Lease> {
  const token = sessionTokenOf(asked)
  if (asked.query !== '') throw malformed('Send lease_id in the body.')
  const id = textOf(readJson(asked), 'lease_id')
  if (id === undefined) throw malformed('lease_id is missing.')
  const lease = await sessions.leaseOf(token, id.slice(id.lastIndexOf('/') + 1))
  // The same for one that ended, that never was, and that is somebody else's.
  if (lease === undefined) throw malformed('invalid lease: none of this session that lives.')
  return lease
}

function left({ expiresAt }: Lease, tools: Tools): number {
  return Math.max(0, expiresAt - Math.floor(tools.now() / 1000))
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}

function malformed(detail: string): Failure {
  return new Failure('request_malformed', { detail })
}
