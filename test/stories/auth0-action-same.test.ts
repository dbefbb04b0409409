/**
 * The exported Action against our evaluator, on policies and tokens that nobody chose for it. A planted difference is
 * found by the same comparison.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { decide } from '@mayfly/policy/decide'
import { loadPolicy } from '@mayfly/policy/load'
import type { Policy, PolicyTarget } from '@mayfly/policy/policy'
import { CannotExport, exportAction } from '../../packages/cli/src/auth0/export.ts'
import { built } from '../../packages/policy/test/exhaustive.ts'
import { token as fixtureToken } from '../../packages/policy/test/fixture.ts'
import { Chance } from '../../packages/policy/test/model/chance.ts'
import { meaningOf } from '../../packages/policy/test/model/meaning.ts'
import { randomPolicy } from '../../packages/policy/test/model/random-policy.ts'
import { rawToken } from '../../packages/policy/test/model/raw-token.ts'
import { spaceOf } from '../../packages/policy/test/model/space.ts'
import { githubUrl, rsaKey } from '../attacks/verification.ts'
import { type Auth0Tenant, auth0Tenant } from '../fakes/auth0-tenant.ts'
import { ours, start } from '../fakes/platform-claims.ts'
import { signToken } from '../fakes/signing-key.ts'

type Claims = Readonly<Record<string, unknown>>

const runtime = readFileSync('packages/cli/assets/auth0-action.js', 'utf8')
const seed = Number(process.env['MAYFLY_SEED'] ?? Date.now() % 2 ** 32)

function actionOf(policy: Policy, issuer: string): string {
  const settings = { audience: ours, issuers: { [issuer]: githubUrl }, connection: 'workloads' }
  return exportAction(policy, { ...settings, subjectTokenType: 'urn:mayfly:job-token' }, runtime).action
}

const tenantOf = (source: string) => auth0Tenant(source, [rsaKey], () => start * 1000)

/** Claims that every token of GitHub has, of which no policy speaks. */
const usual = { iss: githubUrl, sub: 'x', aud: ours, iat: start, nbf: start - 300, exp: start + 300 }
const run = { jti: 'one', run_id: '1', run_attempt: '1', repository_owner: 'acme' }

/** Every way of asking for a target: nothing, each scope, all of them, one that is none. */
function wishes({ scopes }: PolicyTarget): readonly (readonly string[])[] {
  const names = [...scopes.keys()]
  return [[], ...names.map((name) => [name]), names, ['none-of-it']]
}

interface Compared {
  readonly questions: number
  readonly allowed: number
  readonly differences: readonly string[]
}

/** Asks the Action and the evaluator the same, about every API of the policy. */
async function compare(
  policy: Policy,
  issuer: string,
  tokens: readonly Claims[],
  source = actionOf(policy, issuer),
): Promise<Compared> {
  const tenant = tenantOf(source)
  const differences: string[] = []
  let [questions, allowed] = [0, 0]
  for (const given of tokens) {
    const claims = { ...usual, ...run, ...given }
    const text = signToken(rsaKey, claims)
    for (const target of policy.targets.values()) {
      if (target.audience === undefined) continue
      for (const scopes of wishes(target)) {
        const expected = expectedOf(policy, { issuer, claims, target, scopes })
        const found = await answered(tenant, text, target.audience, scopes)
        questions++
        if (expected === 'user') allowed++
        if (found !== expected)
          differences.push(
            `${target.name} ${scopes.join(' ')} ${JSON.stringify(given)}: ${found}, not ${expected}`,
          )
      }
    }
  }
  return { questions, allowed, differences }
}

async function answered(
  tenant: Auth0Tenant,
  text: string,
  audience: string,
  scopes: readonly string[],
): Promise<string> {
  tenant.cache.delete('spent')
  const [[what, code] = []] = await tenant.run(text, audience, scopes)
  return what === 'deny' ? String(code) : String(what)
}

interface Question {
  readonly issuer: string
  readonly claims: Claims
  readonly target: PolicyTarget
  readonly scopes: readonly string[]
}

/** What the Action has to do. Without a scope the job must be allowed to have all: Auth0 might give all. */
function expectedOf(policy: Policy, { issuer, claims, target, scopes }: Question): string {
  const asked = scopes.length === 0 ? {} : { scopes }
  const decision = decide(policy, { issuer, claims, target: target.name, ...asked })
  if (!decision.allowed) return decision.code === 'scope' ? 'invalid_scope' : 'invalid_target'
  return scopes.length > 0 || decision.scopes.length === target.scopes.size ? 'user' : 'invalid_scope'
}

/** The policies of `examples/` and of the policy package's fixtures, with an API more where they have few. */
function policies(): readonly (readonly [name: string, policy: Policy])[] {
  const folders = ['startup', 'company', 'agents'].map((name) => join('examples', name, 'policies'))
  const fixtures = 'packages/policy/test/fixtures'
  const sets = [
    ...folders.map((folder) => [folder, readdirSync(folder)] as const),
    ...readdirSync(fixtures)
      .filter((name) => name.endsWith('.policy.yaml'))
      .map((name) => [fixtures, [name]] as const),
  ]
  return sets.map(([folder, names]) => {
    const read = (name: string) => ({ path: name, text: withApis(readFileSync(join(folder, name), 'utf8')) })
    const files = names.filter((name) => name.endsWith('.policy.yaml')).map(read)
    const loaded = loadPolicy(files, read('policy.lock.yaml'))
    assert.ok(loaded.ok, JSON.stringify(loaded.ok ? '' : loaded.problems.slice(0, 2)))
    return [`${folder} ${names.join(' ')}`, loaded.policy]
  })
}

/** Targets of other kinds become APIs: then every grant of these policies is asked about. */
function withApis(text: string): string {
  let count = 0
  return text
    .replaceAll(
      /\b(aws_role|secret|gcp_service_account): ("[^"]*"|[^ ,}]+)/g,
      () => `token: { audience: "https://made-${++count}.example" }`,
    )
    .replaceAll(
      /\b(postgres_role|github_app): \{.*\} \}/g,
      (_, kind) =>
        `${kind === 'github_app' ? 'access: read, ' : ''}token: { audience: "https://made-${++count}.example" } }`,
    )
}

/** Tokens of which every claim was chosen by chance, and typical ones with some changed. */
function tokensAbout(chance: Chance): readonly Claims[] {
  const values: Readonly<Record<string, readonly unknown[]>> = {
    repository: ['acme/web', 'acme/shop', 'acme/infra', 'acme/payments', 'mallory/web', 'ACME/Web'],
    repository_id: ['40211', '40213', '40401', '40402', '77777'],
    repository_owner_id: ['9919', '9919', '9919', '9920', '1'],
    ref: ['refs/heads/main', 'refs/heads/develop', 'refs/heads/agent/x', 'refs/tags/v1', 'refs/heads/test/y'],
    ref_type: ['branch', 'branch', 'tag', undefined],
    ref_protected: ['true', 'true', 'false', undefined],
    environment: ['production', 'staging', undefined],
    event_name: ['push', 'workflow_dispatch', 'pull_request', 'schedule', 'issues'],
    actor_id: ['583231', '198982749', '49699333', '7'],
    runner_environment: ['github-hosted', 'github-hosted', 'self-hosted'],
    repository_visibility: ['private', 'private', 'public'],
    job_workflow_ref: [
      'acme/pipelines/.github/workflows/deploy.yml@refs/tags/v7',
      'acme/pipelines/.github/workflows/agent.yml@refs/tags/v2',
      'mallory/pipelines/.github/workflows/deploy.yml@refs/tags/v7',
    ],
    repo_property_team: ['payments', undefined],
    repo_property_env_tier: ['production', undefined],
  }
  const names = Object.keys(values)
  const any = (name: string) => [name, values[name]?.[chance.below(values[name].length)]] as const
  const chosen = () => names.map(any)
  const nearly = () => chance.some(names, 1, 4).map(any)
  return Array.from({ length: 120 }, (_, at) =>
    fixtureToken(Object.fromEntries(at % 3 === 0 ? chosen() : nearly())),
  )
}

test('the examples and the fixtures are decided as the evaluator decides them', async (context) => {
  const chance = new Chance(seed)
  context.diagnostic(`MAYFLY_SEED=${seed}`)
  const asked = { questions: 0, allowed: 0 }
  for (const [name, policy] of policies()) {
    const { questions, allowed, differences } = await compare(policy, 'github', tokensAbout(chance))
    assert.deepEqual(differences.slice(0, 3), [], `${name} MAYFLY_SEED=${seed}`)
    asked.questions += questions
    asked.allowed += allowed
  }
  context.diagnostic(`${asked.questions} questions, ${asked.allowed} allowed`)
  assert.ok(asked.questions > 2_000 && asked.allowed > 20, JSON.stringify(asked))
})

test('random policies are decided as the evaluator decides them', async (context) => {
  const chance = new Chance(seed)
  context.diagnostic(`MAYFLY_SEED=${seed}`)
  const asked = { policies: 0, questions: 0, allowed: 0 }
  while (asked.policies < 60) {
    const made = randomQuestions(chance)
    if (made === undefined) continue
    asked.policies++
    const { questions, allowed, differences } = await compare(made.policy, made.issuer, made.tokens)
    assert.deepEqual(differences.slice(0, 3), [], `MAYFLY_SEED=${seed}`)
    asked.questions += questions
    asked.allowed += allowed
  }
  context.diagnostic(`${asked.questions} questions, ${asked.allowed} allowed`)
  assert.ok(asked.questions > 500 && asked.allowed > 10, JSON.stringify(asked))
})

/** `undefined`: the text was no policy, or has nothing that Auth0 could give. */
function randomQuestions(chance: Chance) {
  const model = randomPolicy(chance)
  const policy = built(model)
  const issuer = model.issuers.find(({ kind }) => kind === 'github')?.name
  if (policy === undefined || issuer === undefined) return undefined
  try {
    actionOf(policy, issuer)
  } catch (thrown) {
    if (thrown instanceof CannotExport) return undefined
    throw thrown
  }
  const space = spaceOf(meaningOf(model), issuer)
  const tokens = Array.from({ length: 12 }, () =>
    rawToken('github', space.at(chance.below(space.size)), chance),
  ).filter((claims) => claims !== undefined)
  // What the verifier asks of every token of GitHub: without it there is nothing to decide.
  const whole = tokens.filter((claims) =>
    ['repository', 'repository_id', 'repository_owner_id', 'event_name'].every((name) => claims[name]),
  )
  return { policy, issuer, tokens: whole }
}

test('a planted difference is found', async () => {
  const [, policy] = policies().find(([name]) => name.includes('company')) ?? []
  assert.ok(policy !== undefined)
  const workflow = 'acme/pipelines/.github/workflows/deploy.yml@refs/tags/v7'
  const tokens = ['private', 'public'].flatMap((repository_visibility) =>
    ['push', 'pull_request'].map((event_name) =>
      fixtureToken({
        job_workflow_ref: workflow,
        environment: 'production',
        event_name,
        repository_visibility,
      }),
    ),
  )
  const good = actionOf(policy, 'github')
  const [line = '', written = ''] = /^const POLICY = (.*)$/m.exec(good) ?? []
  const compiled = JSON.parse(written)
  const [grant, ...others] = compiled.grants
  const replaced = (changes: object) =>
    good.replace(line, () => `const POLICY = ${JSON.stringify({ ...compiled, ...changes })}`)
  const planted: Record<string, string> = {
    'no deny rule': replaced({ denies: [] }),
    'a grant to everybody': replaced({ grants: [{ ...grant, boxes: [[]] }, ...others] }),
    'a grant that is not there': replaced({ grants: [] }),
    // Lines of the bundle break where they are full.
    'a changed evaluator': good.replace(/\.\s*denies\s*\.\s*find\(/, '.denies.slice(1).find('),
  }
  for (const [what, source] of Object.entries(planted)) {
    assert.notEqual(source, good, what)
    const { differences } = await compare(policy, 'github', tokens, source)
    assert.ok(differences.length > 0, what)
  }
  assert.deepEqual((await compare(policy, 'github', tokens, good)).differences, [])
})
