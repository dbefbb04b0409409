/** A folder with a policy, GitHub's API on loopback, and `mayfly policy lock` between them. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Ended, mayfly } from '../../packages/cli/test/command-line.ts'
import { type GithubApiFake, githubApiFor } from '../fakes/github-api.ts'

export const secret = 'ghp_NotARealToken0123456789'

export const policyText = `version: 1
issuers:
  github: { owners: [acme] }
targets:
  orders: { tier: staging, access: write, secret: orders }
grants:
  - { name: shop, who: { repo: [acme/shop, acme/api], branch: main }, get: orders, for: 10m }
deny:
  - { name: no bots, who: { actor: [octo, dependabot] } }
tests:
  - { name: main, token: { repo: acme/shop, branch: main }, asks: orders, expect: grant }
`

export interface Stage {
  readonly fake: GithubApiFake
  readonly folder: string
  readonly lockPath: string
  readonly lock: () => string | undefined
  readonly policy: (text: string) => void
  readonly run: (...more: string[]) => Promise<Ended>
}

export async function stage(t: TestContext, env: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const fake = await githubApiFor(t)
  const root = mkdtempSync(join(tmpdir(), 'mayfly-lock-'))
  t.after(() => rmSync(root, { recursive: true }))
  const folder = join(root, 'policies')
  mkdirSync(folder)
  const lockPath = join(folder, 'policy.lock.yaml')
  const policy = (text: string) => writeFileSync(join(folder, 'a.policy.yaml'), text)
  policy(policyText)
  return {
    fake,
    folder,
    lockPath,
    policy,
    lock: () => {
      try {
        return readFileSync(lockPath, 'utf8')
      } catch {
        return undefined
      }
    },
    run: async (...more) => {
      const ended = await mayfly(['policy', 'lock', folder, '--api', fake.url, ...more], { env })
      for (const text of [ended.stdout, ended.stderr]) assert.ok(!text.includes(secret), text)
      return ended
    },
  }
}

/** A stage whose lock was written, and the requests of that forgotten. */
export async function locked(t: TestContext, env: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const made = await stage(t, env)
  const { exitCode, stderr } = await made.run()
  assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: '' })
  made.fake.requests.length = 0
  return made
}

export async function refused(made: Stage, wanted: RegExp, ...more: string[]): Promise<Ended> {
  const before = made.lock()
  const ended = await made.run(...more)
  assert.equal(ended.exitCode, 1, ended.stdout + ended.stderr)
  assert.match(ended.stderr, wanted)
  assert.equal(made.lock(), before)
  return ended
}
