/** GitHub on loopback with two apps, and the target that reaches it. */
import { after, beforeEach } from 'node:test'
import { fakeTools } from '../../../test/fakes/clock.ts'
import { openGithubAppFake } from '../../../test/fakes/github-app.ts'
import type { Json } from '../src/base/canonical-json.ts'
import { newId } from '../src/base/id.ts'
import { Secret } from '../src/base/secret.ts'
import type { Grant } from '../src/domain.ts'
import { type Issued, IssueFailure, type Target } from '../src/issue/target.ts'
import { openGithubAppTarget } from '../src/issue/targets/github-app/github-app.ts'

export const tools = fakeTools()
export const fake = await openGithubAppFake(() => tools.now())
after(() => fake.close())
export const bot = fake.newApp()
export const other = fake.newApp()
export const installed = fake.install(bot, 'Acme', ['shop', 'api', 'secret'], {
  contents: 'write',
  issues: 'read',
  organization_projects: 'admin',
})
fake.install(other, 'labs', ['lab'], { contents: 'read' })

beforeEach(() => {
  fake.fault = () => undefined
  fake.answer = (body) => body
  fake.asked.length = 0
  // Every test finds GitHub's limits and pauses over.
  tools.advance(3_700_000)
})

export const connectionOf = (app: typeof bot) => ({
  app_id: String(app.id),
  private_key: new Secret(app.privateKey),
  api: fake.url,
})

export function open(): Target {
  const connections = { 'acme-bot': connectionOf(bot), 'labs-bot': connectionOf(other) }
  return openGithubAppTarget({ connections, tools })
}

export const settings = {
  app: 'acme-bot',
  repos: ['acme/shop'],
  permissions: { contents: 'read' },
  scopes: [],
}

export function grantOf(over: { settings?: Json; scopes?: readonly string[]; seconds?: number } = {}): Grant {
  const issuedAt = Math.floor(tools.now() / 1000)
  return {
    leaseId: newId('ls', tools),
    principal: {
      issuer: 'github',
      iss: 'https://issuer.example',
      subject: 'repo:acme/shop:ref:refs/heads/main',
      claims: {},
      replayKey: 'key',
      replayUntil: issuedAt + 900,
    },
    target: 'release-bot',
    kind: 'github_app',
    settings: over.settings ?? settings,
    scopes: over.scopes ?? [],
    issuedAt,
    expiresAt: issuedAt + (over.seconds ?? 600),
  }
}

export async function issue(target: Target, grant = grantOf()): Promise<Issued> {
  return await target.issue(grant, target.prepare(grant))
}

/** What is left of an issue that failed: `nothing`, `unknown`, or a handle. */
export async function leftBy(target: Target, grant = grantOf()): Promise<[string, unknown]> {
  try {
    await issue(target, grant)
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
    return [code, thrown instanceof IssueFailure ? thrown.left : 'unknown']
  }
  return ['issued', undefined]
}
