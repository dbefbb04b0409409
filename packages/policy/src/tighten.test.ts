import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lock, token } from '../test/fixture.ts'
import { decide } from './decide.ts'
import { loadPolicy } from './load.ts'
import type { RecordedDecision } from './recorded.ts'
import { tighten } from './tighten.ts'

const path = 'a.policy.yaml'
const text = `version: 1
issuers:
  github: { owners: [acme] }
targets:
  orders: { tier: staging, token: { audience: "https://orders.example", scopes: { read: read, write: write } } }
  staging: { tier: staging, access: write, secret: staging }
who:
  releases: { branch: { like: "release/*" } }   # cut by hand
grants:
  # The shop deploys itself.
  - name: shop        # kept
    who: { repo: acme/web, use: releases }
    get: staging
    for: 10m
  - name: nobody
    who: { repo: acme/api, branch: main }
    get: staging
    for: 10m
  - { name: orders, who: { repo: { like: "acme/*" }, environment: { like: "e-*" } }, get: [orders], for: 5m }
`

const release = { ref: 'refs/heads/release/1' }
const eu = { environment: 'e-eu' }

/** As the log would hold it under this policy. */
function history(
  source: string,
  asked: readonly (readonly [string, Record<string, unknown>, (readonly string[])?])[],
) {
  const loaded = loadPolicy([{ path, text: source }], lock)
  assert.ok(loaded.ok, JSON.stringify(loaded))
  const records = asked.map(([target, changes, scopes], at): RecordedDecision => {
    const request = { issuer: 'github', target, claims: token(changes), ...(scopes && { scopes }) }
    const decision = decide(loaded.policy, request)
    assert.ok(decision.allowed, JSON.stringify(decision))
    const { grants, seconds } = decision
    return {
      id: `au_${at}`,
      ...request,
      dropped: [],
      outcome: { allowed: true, grants, scopes: decision.scopes, seconds },
    }
  })
  return { policy: loaded.policy, records }
}

async function tightened(
  source: string,
  asked: Parameters<typeof history>[1],
  leastUses = 2,
): ReturnType<typeof tighten> {
  const { policy, records } = history(source, asked)
  return tighten(policy, [{ path, text: source }], lock, records, { leastUses })
}

test('unused grants, unused scopes and patterns of one value are taken in; comments and the rest stay', async () => {
  const found = await tightened(text, [
    ['staging', release],
    ['staging', release],
    ['orders', eu, ['read']],
    ['orders', { ...eu, repository_id: '40212', repository: 'acme/api' }, ['read']],
  ])
  assert.deepEqual(
    found.proposals.map(({ kind, grant, place }) => [kind, grant, place.line]),
    [
      ['unused grant', 'nobody', 15],
      ['unused scopes', 'orders', 19],
      ['pattern with one value', 'shop', 8],
      ['pattern with one value', 'orders', 19],
    ],
  )
  assert.equal(
    found.files[0]?.text,
    text
      .replace('{ like: "release/*" }', 'release/1')
      .replace(/ {2}- name: nobody\n(?: {4}.*\n){3}/, '')
      .replace('{ like: "e-*" }', 'e-eu')
      .replace('[orders]', '[{ target: orders, scopes: [read] }]'),
  )
  assert.deepEqual(found.dropped, [])
})

test('a caller that names no scope used all of them; one use is not yet a habit', async () => {
  const found = await tightened(text, [
    ['staging', release],
    ['orders', eu],
  ])
  assert.deepEqual(
    found.proposals.map(({ kind, grant }) => `${kind}: ${grant}`),
    ['unused grant: nobody'],
  )
})

test('what the policy itself insists on is not taken out, and the reason is said', async () => {
  const tested = `${text}tests:
  - { name: api deploys, token: { repo: acme/api, branch: main }, asks: staging, expect: grant }
`
  const found = await tightened(tested, [
    ['staging', release],
    ['orders', eu, ['read']],
  ])
  assert.deepEqual(
    found.proposals.map(({ kind }) => kind),
    ['unused scopes'],
  )
  assert.deepEqual(
    found.dropped.map(({ proposal, because }) => [proposal.grant, because]),
    [['nobody', 'the policy would not load: P037 test `api deploys` fails: the token is refused']],
  )
})

test('a proposal that would have refused a recorded use is dropped', async () => {
  // Same name, other id: the pattern let it in, the name written out would not.
  const recreated = { ...eu, repository_id: '99999' }
  const found = await tightened(text, [
    ['staging', release],
    ['orders', recreated, ['read', 'write']],
    ['orders', recreated, ['read', 'write']],
  ])
  assert.deepEqual(
    found.dropped.map(({ proposal, because }) => [proposal.message, because]),
    [['acme/* only ever met `acme/web`; write it', '2 recorded uses would have come out otherwise']],
  )
})

test('grants in a list on one line are taken out without leaving a hole', async () => {
  const flow = text.replace(
    /grants:.*$/s,
    `grants: [{ name: a, who: { repo: acme/web, branch: main }, get: staging, for: 1m }, { name: b, who: { repo: acme/api, branch: main }, get: staging, for: 1m }, { name: c, who: { repo: acme/infra, branch: main }, get: staging, for: 1m }]\n`,
  )
  for (const [kept, id] of [
    ['a', '40211'],
    ['b', '40212'],
    ['c', '40213'],
  ] as const) {
    const found = await tightened(flow, [['staging', { repository_id: id }]])
    assert.equal(found.proposals.length, 2)
    const names = [...(found.files[0]?.text ?? '').matchAll(/name: (\w)/g)].map((match) => match[1])
    assert.deepEqual(names, [kept])
  }
})

test('a pattern that a deny rule or a guardrail shares is not taken in: that would let more through', async () => {
  const shared = (more: string) => `version: 1
issuers:
  github: { owners: [acme] }
who:
  preview: { branch: { like: "preview/*" } }
targets:
  preview-db: { tier: shared, access: write, secret: preview }
  payroll: { tier: shared, access: write, secret: payroll }
grants:
  - { name: previews, who: { repo: acme/web, use: preview }, get: preview-db, for: 10m }
  - { name: branches, who: { repo: acme/web, branch: { like: ["preview/*", "f/*"] } }, get: payroll, for: 10m }
${more}`
  const deny = 'deny: [{ name: no, who: { use: preview }, get: payroll }]\n'
  const never = 'guardrails: [{ name: never, never: { use: preview, environment: x }, get: payroll }]\n'
  const preview = ['preview-db', { ref: 'refs/heads/preview/mine' }] as const
  const uses = [
    preview,
    preview,
    ['payroll', { ref: 'refs/heads/f/a' }],
    ['payroll', { ref: 'refs/heads/f/b' }],
  ] as const
  const found = await tightened(shared(deny + never), uses)
  assert.deepEqual([found.proposals, found.dropped], [[], []])
})
