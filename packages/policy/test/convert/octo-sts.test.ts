/** octo-sts' trust policies as a policy: never wider than they were. Their patterns are whole regular expressions. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cannot } from '@mayfly/policy/convert/cannot'
import { importOctoSts } from '@mayfly/policy/convert/octo-sts/import'
import { parse } from 'yaml'
import { randomFrom } from '../../../../test/fakes/seeded.ts'
import type { Claims, Template } from './jobs.ts'
import { composed, loaded, policyAllows, setting, widerThanOriginal } from './judged.ts'

interface Document {
  readonly subject?: string
  readonly subject_pattern?: string
  readonly claim_pattern?: Readonly<Record<string, string>>
}

interface Case {
  readonly name: string
  readonly text: string
  readonly tells?: readonly string[]
  readonly none?: true
  readonly tier?: string
}

const write = 'permissions: { contents: write }'
const read = 'permissions: { contents: read }'
const github = 'issuer: https://token.actions.githubusercontent.com'
const usual: readonly Template[] = ['legacy', 'immutable']

const cases: readonly Case[] = [
  {
    name: 'one branch',
    text: `${github}\nsubject: repo:acme/web:ref:refs/heads/main\n${write}`,
    tells: ['no-owner-id'],
  },
  {
    name: 'one environment',
    text: `${github}\nsubject: repo:acme/web:environment:production\n${write}`,
    tells: ['environment-without-branch'],
  },
  {
    name: 'an immutable subject',
    text: `${github}\nsubject: repo:acme@9919/web@40211:ref:refs/heads/main\n${write}`,
  },
  {
    name: 'pull requests that read',
    text: `${github}\nsubject: repo:acme/web:pull_request\n${read}`,
    tier: 'shared',
    tells: ['pull-request'],
  },
  {
    name: 'pull requests that write',
    text: `${github}\nsubject: repo:acme/web:pull_request\n${write}`,
    none: true,
  },
  {
    name: 'any branch',
    text: `${github}\nsubject_pattern: 'repo:acme/web:ref:refs/heads/.*'\n${write}`,
    tells: ['any-branch'],
  },
  {
    name: 'two branches',
    text: `${github}\nsubject_pattern: 'repo:acme/web:ref:refs/heads/(main|develop)'\n${write}`,
  },
  {
    name: 'release branches, with anchors',
    text: `${github}\nsubject_pattern: '^repo:acme/web:ref:refs/heads/release/.+$'\n${write}`,
  },
  {
    name: 'alternatives beside anchors',
    text: `${github}\nsubject_pattern: '^repo:acme/web:ref:refs/heads/main|repo:acme/api:ref:refs/heads/main$'\n${write}`,
    tells: ['alternatives'],
  },
  {
    name: 'every repository',
    text: `${github}\nsubject_pattern: 'repo:acme/.*:ref:refs/heads/main'\n${write}`,
    tells: ['every-repository'],
  },
  {
    name: 'a name without an end',
    text: `${github}\nsubject_pattern: 'repo:acme/web.*'\n${write}`,
    tells: ['repository-prefix', 'any-context'],
  },
  {
    name: 'one segment',
    text: `${github}\nsubject_pattern: 'repo:acme/[^/:]+:ref:refs/heads/main'\n${write}`,
    tells: ['every-repository'],
  },
  {
    name: 'a segment of branches',
    text: `${github}\nsubject_pattern: 'repo:acme/web:ref:refs/heads/release/[^/]+'\n${write}`,
  },
  {
    name: 'versions',
    text: `${github}\nsubject_pattern: 'repo:acme/web:ref:refs/tags/v[0-9]+'\n${write}`,
    none: true,
  },
  {
    name: 'a dot that is any letter',
    text: `${github}\nsubject_pattern: 'repo:acme/web:ref:refs/tags/v1.2.3'\n${write}`,
    tells: ['dot'],
  },
  {
    name: 'an optional id',
    text: `${github}\nsubject_pattern: 'repo:acme(@9919)?/web(@40211)?:ref:refs/heads/main'\n${write}`,
  },
  {
    name: 'a workflow',
    text: `${github}\nsubject_pattern: 'repo:acme/web:.*'\nclaim_pattern:\n  job_workflow_ref: acme/pipelines/\\.github/workflows/deploy\\.yml@refs/tags/v1\n${write}`,
  },
  {
    name: 'a workflow of any version',
    text: `${github}\nsubject_pattern: 'repo:acme/.*'\nclaim_pattern:\n  job_workflow_ref: 'acme/pipelines/\\.github/workflows/deploy\\.yml@.*'\n${write}`,
    tells: ['any-workflow-version'],
  },
  {
    name: 'an event and a branch',
    text: `${github}\nsubject_pattern: 'repo:acme/web:.+'\nclaim_pattern: { event_name: '(push|workflow_dispatch)', ref: refs/heads/main }\n${write}`,
  },
  {
    name: 'a display name',
    text: `${github}\nsubject: repo:acme/web:ref:refs/heads/main\nclaim_pattern: { workflow: Deploy }\n${write}`,
    none: true,
  },
  { name: 'everybody', text: `${github}\nsubject_pattern: '.*'\n${write}`, none: true },
  {
    name: 'several issuers',
    text: `issuer_pattern: '.*'\nsubject: repo:acme/web:ref:refs/heads/main\n${write}`,
    tells: ['any-issuer'],
  },
  {
    name: 'what is not a trust policy',
    text: `${github}\nsubjekt: repo:acme/web:ref:refs/heads/main\n${write}`,
    none: true,
  },
  {
    name: 'another issuer',
    text: `issuer: https://accounts.google.com\nsubject: '123456'\n${write}`,
    none: true,
  },
]

function octoAllows({ subject, subject_pattern, claim_pattern = {} }: Document, claims: Claims): boolean {
  const whole = (pattern: string, value: string | undefined) =>
    value !== undefined && new RegExp(`^(?:${pattern})$`).test(value)
  const named =
    subject === undefined ? whole(subject_pattern ?? '', claims['sub']) : subject === claims['sub']
  return named && Object.entries(claim_pattern).every(([claim, pattern]) => whole(pattern, claims[claim]))
}

const imported = (text: string, tier = 'production') =>
  composed([importOctoSts({ name: 'deploy', text, repository: 'acme/web' }, 'octo')], {
    ...setting,
    tier,
  })

for (const { name, text, tells = [], none, tier } of cases) {
  test(`octo-sts: ${name}: the policy is inside the document`, (t) => {
    const random = randomFrom(t)
    const document = parse(text) as Document
    if (none) {
      assert.throws(() => imported(text, tier), Cannot)
      return
    }
    const { policy, findings } = imported(text, tier)
    assert.deepEqual(
      tells.filter((code) => !findings.some((finding) => finding.code === code)),
      [],
    )
    assert.deepEqual(
      widerThanOriginal(
        policyAllows(policy, 'deploy'),
        (claims) => octoAllows(document, claims),
        usual,
        random,
      ),
      [],
    )
  })
}

test('octo-sts: random patterns are never widened, and a widening is seen', (t) => {
  const random = randomFrom(t)
  const pick = <T>(items: readonly T[]): T => items[random(items.length)] as T
  let taken = 0
  for (let at = 0; at < 80; at++) {
    const repo = pick([
      'acme/web',
      'acme/(web|api)',
      'acme/.*',
      'acme/[a-z-]+',
      '(acme|acme-labs)/.+',
      'acme/svc-.*',
      '.*/web',
    ])
    const context = pick([
      ':ref:refs/heads/main',
      ':ref:refs/heads/.+',
      ':ref:refs/(heads|tags)/[^/]*',
      ':.*',
      '.*',
      ':environment:(production|staging)',
      ':ref:refs/tags/v\\d+',
    ])
    const document: Document = {
      subject_pattern: `repo:${repo}${context}`,
      ...(random(3) === 0
        ? { claim_pattern: { ref: pick(['refs/heads/main', 'refs/heads/.*', '.*main']) } }
        : {}),
    }
    try {
      const { policy } = imported(JSON.stringify({ ...parse(`${github}\n${write}`), ...document }))
      taken++
      assert.deepEqual(
        widerThanOriginal(
          policyAllows(policy, 'deploy'),
          (claims) => octoAllows(document, claims),
          usual,
          random,
          1000,
        ),
        [],
        JSON.stringify(document),
      )
    } catch (thrown) {
      if (!(thrown instanceof Cannot)) throw thrown
    }
  }
  assert.ok(taken > 15, `only ${taken} of 80 could be taken`)
  const source = `${github}\nsubject: repo:acme/web:ref:refs/heads/main\n${write}`
  const document = parse(source) as Document
  const wider = loaded(imported(source).text.replace(', environment: { absent: true }', ''))
  assert.notDeepEqual(
    widerThanOriginal(
      policyAllows(wider, 'deploy'),
      (claims) => octoAllows(document, claims),
      usual,
      random,
      40_000,
    ),
    [],
  )
})
