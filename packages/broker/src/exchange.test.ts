import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Failure } from './base/failure.ts'
import { Secret } from './base/secret.ts'
import { silent } from './base/tools.ts'
import type { AuditEvent, Principal } from './domain.ts'
import { type ExchangeParts, openExchange, type Permission } from './exchange.ts'
import type { Target } from './issue/target.ts'
import { type Change, Conflict, type ConflictKind } from './store/store.ts'

const principal: Principal = {
  issuer: 'github',
  iss: 'https://issuer.example',
  subject: 'repo:acme/shop:environment:production',
  claims: { repository_id: '40211' },
  replayKey: 'replay-1',
  replayUntil: 1_790_000_900,
  job: { issuer: 'github', id: '7' },
}
const permission: Permission = {
  target: 'orders-api',
  kind: 'token',
  settings: {},
  grants: ['shop-production'],
  scopes: ['orders:read'],
  seconds: 600,
  policy: 'digest',
  terms: { policy: 'p', settings: 's' },
}
const request = { subjectToken: new Secret('subject'), via: 'token-exchange', target: 'orders-api' }

interface World {
  readonly parts: ExchangeParts
  /** What became durable, in order, one list for each commit. */
  readonly commits: (readonly Change[])[]
  readonly events: () => string[]
}

function world(
  options: {
    local?: boolean
    conflict?: ConflictKind
    failIssue?: boolean
    failCommit?: number
    endsAt?: number
  } = {},
): World {
  const commits: (readonly Change[])[] = []
  let conflict = options.conflict
  const target: Target = {
    kind: 'token',
    local: options.local ?? true,
    prepare: () => ({ made: 'nothing yet' }),
    issue: async () => {
      if (options.failIssue === true) throw new Error('the provider said: secret=hunter2')
      commits.push([])
      const ends = options.endsAt === undefined ? {} : { expiresAt: options.endsAt }
      return { token: new Secret('credential'), issuedTokenType: 'x', tokenType: 'Bearer', ...ends }
    },
  }
  const parts: ExchangeParts = {
    verify: async (token) => {
      if (token !== 'subject') throw new Failure('subject_token_invalid', { reason: 'not ours' })
      return principal
    },
    decide: (_principal, wish) => {
      if (wish.target !== 'orders-api')
        throw new Failure('target_refused', { reason: 'no', explanation: { summary: 's' } })
      return permission
    },
    target: (kind) => (kind === 'token' ? target : undefined),
    store: {
      commit: async (changes) => {
        if (commits.length === options.failCommit) throw new Error('disk full')
        if (conflict !== undefined) {
          const kind = conflict
          conflict = undefined
          throw new Conflict(kind)
        }
        commits.push(changes)
      },
    },
    filledIn: (settings) => settings,
    guarded: (_, issue) => issue(),
    leaseToken: async () => new Secret('a token of the lease'),
    sealHandle: () => new Uint8Array([1]),
    record: (event) => {
      const entry = new TextEncoder().encode(JSON.stringify(event))
      return { id: `au_${event.type}`, change: { kind: 'append', entry } }
    },
    refuse: async (event) => {
      const { id, change } = parts.record(event)
      await parts.store.commit([change])
      return id
    },
    abandon: async (lease) => {
      commits.push([{ kind: 'lease.move', id: lease.id, from: ['pending', 'active'], to: 'revoked' }])
    },
    policy: () => 'digest',
    jobLimit: 3,
    tools: { now: () => 1_790_000_000_000, randomBytes, log: silent, after: () => () => {} },
  }
  const events = () =>
    commits
      .flat()
      .flatMap((change) =>
        change.kind === 'append'
          ? [(JSON.parse(new TextDecoder().decode(change.entry)) as AuditEvent).type]
          : [],
      )
  return { parts, commits, events }
}

test('a local credential is written down in one commit before it is made', async () => {
  const { parts, commits } = world()
  const answer = await openExchange(parts)(request)
  assert.equal(answer.expiresAt, 1_790_000_600)
  assert.deepEqual(
    commits.map((changes) => changes.map((change) => change.kind)),
    [['spend', 'lease.create', 'append'], []],
  )
  const created = commits[0]?.[1]
  assert.ok(created?.kind === 'lease.create')
  assert.deepEqual([created.lease.state, created.lease.id, created.jobLimit], ['active', answer.leaseId, 3])
})

test('a credential made elsewhere is pending before it is made and issued only after', async () => {
  const { parts, commits, events } = world({ local: false })
  await openExchange(parts)(request)
  assert.deepEqual(
    commits.map((changes) => changes.map((change) => change.kind)),
    [['spend', 'lease.create', 'append'], [], ['lease.move', 'append']],
  )
  assert.deepEqual(events(), ['credential.pending', 'credential.issued'])
})

test('the shorter life counts: the grant, or what the place gave', async () => {
  for (const [endsAt, told] of [
    [1_790_000_060, 1_790_000_060],
    [1_790_086_400, 1_790_000_600],
  ] as const) {
    const { parts, commits } = world({ local: false, endsAt })
    const answer = await openExchange(parts)(request)
    assert.equal(answer.expiresAt, told)
    assert.ok(!('expiresAt' in answer.credential))
    const last = commits.at(-1)?.at(-1)
    assert.ok(last?.kind === 'append')
    assert.equal(JSON.parse(new TextDecoder().decode(last.entry)).expires, told)
  }
})

test('nothing is handed over when it cannot be written down', async () => {
  for (const failCommit of [0, 2]) {
    const { parts } = world({ local: false, failCommit })
    await assert.rejects(openExchange(parts)(request))
  }
})

test('a credential whose issue failed is taken back, and its cause stays inside', async () => {
  const { parts, commits, events } = world({ failIssue: true })
  await assert.rejects(openExchange(parts)(request), (thrown: unknown) => {
    assert.ok(thrown instanceof Failure)
    assert.equal(thrown.code, 'internal')
    assert.doesNotMatch(`${thrown.message} ${thrown.reason} ${thrown.detail}`, /hunter2/)
    return true
  })
  assert.equal(commits[1]?.[0]?.kind, 'lease.move')
  assert.deepEqual(events(), ['credential.issued', 'credential.refused'])
})

test('every refusal is in the log before the caller hears of it, and the caller learns its entry', async () => {
  const cases = [
    { change: { subjectToken: new Secret('other') }, code: 'subject_token_invalid' },
    { change: { target: 'vault' }, code: 'target_refused' },
  ]
  for (const { change, code } of cases) {
    const { parts, events } = world()
    await assert.rejects(openExchange(parts)({ ...request, ...change }), {
      code,
      entry: 'au_credential.refused',
    })
    assert.deepEqual(events(), ['credential.refused'])
  }
})

test('a token that was spent, a job that ended, a job with enough and a lease that ended meanwhile are refused and recorded', async () => {
  const expected = {
    spent: 'subject_token_invalid',
    job_ended: 'subject_token_invalid',
    job_limit: 'target_refused',
    lease_state: 'subject_token_invalid',
  } as const
  for (const [conflict, code] of Object.entries(expected)) {
    const { parts, events } = world({ conflict: conflict as ConflictKind })
    await assert.rejects(openExchange(parts)(request), { code })
    assert.deepEqual(events(), ['credential.refused'])
  }
})

test('a refusal that cannot be recorded is still a refusal', async () => {
  const { parts } = world({ failCommit: 0 })
  await assert.rejects(openExchange(parts)({ ...request, target: 'vault' }))
})
