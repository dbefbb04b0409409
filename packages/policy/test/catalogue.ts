/** One policy for each fault of the catalogue. The mark ¶ stands where it must be reported; it is taken out before loading. */

import { listed, type Row } from './catalogue-listed.ts'

export const top = `version: 1
issuers:
  github: { owners: [acme], properties: [team] }
`
const targets = `targets:
  prod: { tier: production, access: write, secret: prod, max: 30m }
  prod-read: { tier: production, access: read, secret: prod-read }
  staging: { tier: staging, access: write, secret: staging }
  readable: { tier: shared, access: read, secret: readable }
`
export const head = top + targets
const safe = 'runner_environment: github-hosted'
const grant = (who: string, get = 'staging', time = '10m') =>
  `${head}grants:\n  - { name: it, who: ${who}, get: ${get}, for: ${time} }\n`
/** With the mark at the grant's name. */
const grantAt = (who: string, get = 'staging') =>
  `${head}grants:\n  - { name: ¶it, who: ${who}, get: ${get}, for: 10m }\n`
export const good = `${grant('{ repo: acme/web, branch: main }')}`

export const target = (settings: string) =>
  `${top}targets:\n  t: ${settings}\ngrants:\n  - { name: it, who: { repo: acme/web, branch: main }, get: t, for: 1m }\n`
const guardrail = (text: string) => `${good}guardrails:\n  - { name: g, ${text.slice(2)}\n`
/** With the mark at the guardrail's name. */
const brokenBy = (text: string, grants = '') =>
  `${good}${grants}guardrails:\n  - { name: ¶g, ${text.slice(2)}\n`

export const errors: readonly Row[] = [
  ['P000', 'broken YAML', 'version: 1\nissuers: { github: ¶\n'],
  ['P000', 'an empty file', '¶'],
  ['P000', 'a file of comments', '¶# nothing\n'],
  ['P001', 'an unknown key', `${good}¶grant: []\n`],
  [
    'P001',
    'an unknown key of a grant',
    grant('{ repo: acme/web, branch: main }').replace('for:', '¶four: 1m, for:'),
  ],
  ['P001', 'an unknown list', grant('{ repo: ¶$web, branch: main }')],
  ['P001', 'an unknown who', grant('{ use: ¶deployer, branch: main }')],
  ['P001', 'a who that uses itself', `${good}who:\n  a: { use: b }\n  b: { use: ¶a }\n`],
  ['P001', 'an unknown issuer', 'version: 1\nissuers: { ¶githbu: { owners: [acme] } }\n'],
  ['P001', 'an unknown kind of issuer', 'version: 1\nissuers: { ci: { kind: ¶gitlap, owners: [12] } }\n'],
  ['P002', 'an unknown claim', grant('{ repo: acme/web, ¶enviroment: production }')],
  ['P003', 'a star in an exact value', grant('{ repo: acme/web, branch: ¶release/* }')],
  ['P003', 'a star in a workflow', grant('{ workflow: ¶acme/web/.github/workflows/*.yml@refs/heads/main }')],
  [
    'P004',
    'a pattern that matches everything',
    grant('{ repo: acme/web, branch: main, environment: { like: ¶"*" } }'),
  ],
  ['P004', 'another one', grant('{ repo: acme/web, branch: main, environment: { like: ¶"**" } }')],
  ['P005', 'two stars in a segment', grant('{ repo: acme/web, branch: { like: ¶"a*b*" } }')],
  ['P005', 'an inner **', grant('{ repo: acme/web, branch: { like: ¶"**/x" } }')],
  ['P005', 'four wildcards', grant('{ repo: acme/web, branch: { like: ¶"*/*/*/*" } }')],
  ['P005', 'a question mark', grant('{ repo: acme/web, branch: { like: ¶"v?" } }')],
  ['P006', 'a value outside the domain', grant('{ repo: acme/web, ref: ¶main }')],
  ['P006', 'a pattern outside the domain', grant('{ repo: acme/web, ref: { like: ¶"release/*" } }')],
  ['P006', 'a branch with its prefix', grant('{ repo: acme/web, branch: ¶refs/heads/main }')],
  ['P006', 'a pattern of ids', grant('{ repository_id: { like: ¶"402*" }, branch: main }')],
  ['P007', 'branch and tag', grant('{ repo: acme/web, branch: main, ¶tag: v1 }')],
  [
    'P007',
    'a contradiction through use',
    `${good}who:\n  a: { branch: main }\n  b: ¶{ use: a, branch: next }\n`,
  ],
  ['P007', "against the issuer's profile", grantAt('{ repo: acme/web, branch: main, ref_type: tag }')],
  ['P007', 'a repository outside the owners', grant('{ repo: { like: ¶"other/x-*" }, branch: main }')],
  [
    'P007',
    'a mandatory claim that is absent',
    grant('{ repo: acme/web, branch: main, repository_visibility: { ¶absent: true } }'),
  ],
  ['P008', 'no owners', `version: 1\nissuers:\n  ¶github: { properties: [team] }\n${targets}`],
  ['P008', 'an empty list of owners', `version: 1\nissuers:\n  github: { ¶owners: [] }\n${targets}`],
  ['P008', 'no owners elsewhere', 'version: 1\nissuers: { ¶ci: { kind: gitlab } }\n'],
  ['P006', 'an owner that is no id', 'version: 1\nissuers: { ci: { kind: gitlab, owners: [¶acme] } }\n'],
  [
    'P001',
    'owners where there are none',
    'version: 1\nissuers: { ci: { kind: kubernetes, ¶owners: [a] } }\n',
  ],
  ['P009', 'no repository', grantAt('{ branch: main }')],
  ['P009', 'all repositories but one', grantAt('{ repo: { not: acme/web }, branch: main }')],
  ['P010', 'write on any ref', grantAt('{ repo: acme/web }')],
  ['P010', 'write on any branch', grantAt('{ repo: acme/web, branch: { like: "**" } }')],
  ['P010', 'write in any environment', grantAt('{ repo: acme/web, environment: { any: true } }')],
  ['P011', "outsiders' events", grant('{ repo: acme/web, branch: main, event: ¶[push, issue_comment] }')],
  ['P011', 'pull_request_target', grant('{ repo: acme/web, branch: main, event: ¶pull_request_target }')],
  [
    'P012',
    'production for pull requests',
    grant(`{ repo: acme/web, branch: main, ${safe}, event: ¶[push, pull_request] }`, 'prod'),
  ],
  ['P013', 'a repository that is not locked', grant('{ repo: ¶acme/wep, branch: main }')],
  ['P013', 'an owner that is not locked', `version: 1\nissuers: { github: { owners: [¶acne] } }\n${targets}`],
  ['P013', 'an actor that is not locked', grant('{ repo: acme/web, branch: main, actor: ¶octopus }')],
  ['P014', 'sub', grant('{ ¶sub: "repo:acme/web:ref:refs/heads/main" }')],
  ['P015', 'an actor alone', grantAt('{ actor: octocat, branch: main }')],
  [
    'P016',
    'a negated event',
    grant('{ repo: acme/web, branch: main, event: { not: ¶schedule } }', 'readable'),
  ],
  [
    'P016',
    'a pattern of events',
    grant('{ repo: acme/web, branch: main, event: { like: ¶"pu*" } }', 'readable'),
  ],
  [
    'P017',
    'not without or_absent',
    grant('{ repo: acme/web, branch: main, environment: ¶{ not: production } }'),
  ],
  [
    'P017',
    'or_absent where nothing is ever missing',
    grant('{ repo: acme/web, branch: main, event: { not: push, ¶or_absent: true } }'),
  ],
  [
    'P018',
    'no lifetime',
    `${head}grants:\n  - ¶{ name: it, who: { repo: acme/web, branch: main }, get: staging }\n`,
  ],
  ['P018', 'no unit', grant('{ repo: acme/web, branch: main }', 'staging', '¶15')],
  [
    'P018',
    "longer than the target's maximum",
    grant(`{ repo: acme/web, branch: main, ${safe} }`, 'prod', '¶31m'),
  ],
  ['P018', 'a maximum without unit', target('{ tier: x, access: read, secret: a, max: ¶30 }')],
  [
    'P019',
    'a reusable workflow on any branch',
    grantAt(`{ repo: acme/web, branch: main, ${safe}, workflow: { repo: acme/pipelines } }`, 'prod'),
  ],
  [
    'P019',
    'a reusable workflow on a pattern of all branches',
    grant(
      `{ repo: acme/web, ${safe}, workflow: { repo: acme/pipelines, ref: { like: ¶"refs/heads/*" } } }`,
      'prod',
    ),
  ],
  [
    'P021',
    'a grant that is denied',
    `${grantAt('{ repo: acme/web, branch: main }')}deny:\n  - { name: no, who: { branch: main } }\n`,
  ],
  ['P022', 'a duplicate key', `${good}¶grants: []\n`],
  [
    'P022',
    'a duplicate name',
    grant('{ repo: acme/web, branch: main }').concat(
      '  - { name: ¶it, who: { repo: acme/web, branch: next }, get: staging, for: 1m }\n',
    ),
  ],
  [
    'P022',
    'an alias',
    `${good}lists: { a: [acme/web], b: ¶*x }\n`.replace('[acme/web]', '[&x acme/web]').replace('&x ', ''),
  ],
  ['P022', 'an anchor', `${good}lists: { a: [&x ¶acme/web] }\n`],
  ['P022', 'a tag of YAML', `${good}lists: { a: [!!str ¶acme/web] }\n`],
  ['P022', 'a number where text is meant', grant('{ repo: acme/web, branch: ¶1.0 }')],
  ['P022', 'a boolean where text is meant', grant('{ repo: acme/web, branch: main, environment: ¶true }')],
  ['P022', 'no value', grant('{ repo: acme/web, ¶branch: }').replace('branch: }', 'branch }')],
  ['P022', 'no version', `¶${good.replace('version: 1\n', '')}`],
  ['P022', 'another version', good.replace('version: 1', 'version: ¶2')],
  ['P022', 'conditions that match everything', grant('¶{}')],
  ['P022', 'an empty list of alternatives', grant('¶[]')],
  [
    'P023',
    'a template of a name',
    target('{ tier: x, access: write, aws_role: ¶"arn:aws:iam::1:role/{repo.name}" }'),
  ],
  ['P023', 'an open template', target('{ tier: x, access: write, aws_role: ¶"role/{repo.id" }')],
  ['P026', 'an unknown target', grant('{ repo: acme/web, branch: main }', '¶stagin')],
  ['P026', 'a target without tier', target('{ access: write, secret: a }').replace('  t:', '  ¶t:')],
  ['P026', 'a target without access', target('{ tier: x, secret: a }').replace('  t:', '  ¶t:')],
  ['P026', 'a target of two kinds', target('{ tier: x, access: read, secret: a, ¶aws_role: b }')],
  [
    'P026',
    'access beside permissions',
    target(
      '{ tier: x, ¶access: read, github_app: { app: a, repos: [acme/web], permissions: { contents: write } } }',
    ),
  ],
  [
    'P026',
    'a scope that the target has not',
    `${top}targets:\n  t: { tier: x, access: read, token: { audience: a, scopes: [r] } }\ngrants:\n  - { name: it, who: { repo: acme/web }, get: { target: t, scopes: [¶w] }, for: 1m }\n`,
  ],
  ['P029', 'a Cyrillic letter', grant('{ repo: acme/web, branch: ¶m\u0430in }')],
  ['P029', 'a zero-width space', grant('{ repo: acme/web, environment: ¶"prod\u200b", branch: main }')],
  ['P029', 'a blank value', grant('{ repo: acme/web, environment: ¶" ", branch: main }')],
  ['P029', 'a blank at the end', grant('{ repo: acme/web, environment: ¶"prod ", branch: main }')],
  ['P031', 'head_ref', grant('{ repo: acme/web, ¶head_ref: main }')],
  ['P031', 'base_ref', grant('{ repo: acme/web, ¶base_ref: main }')],
  ['P031', 'the audience', grant('{ repo: acme/web, ¶aud: me }')],
  ['P031', 'the display name of a workflow', grant('{ repo: acme/web, workflow: ¶Deploy }')],
  ['P032', 'a property that is not declared', grant('{ ¶repo_property_tier: production, branch: main }')],
  ['P032', 'an issuer that declares no claims', 'version: 1\nissuers: { ¶corp: { kind: oidc } }\n'],
  ['P022', 'an empty list of claims', 'version: 1\nissuers: { corp: { kind: oidc, claims: ¶[] } }\n'],
  [
    'P022',
    'a claim that is a word of the language',
    'version: 1\nissuers: { corp: { kind: oidc, claims: [¶use] } }\n',
  ],
  [
    'P031',
    'a claim that the broker checks',
    'version: 1\nissuers: { corp: { kind: oidc, claims: [sub, ¶exp] } }\n',
  ],
  ['P033', 'a wildcard in the owner', grant('{ repo: { like: ¶"acme*/web" }, branch: main }')],
  ['P033', 'a pattern of owners', grant('{ owner: { like: ¶"acme*" }, branch: main }')],
  [
    'P035',
    'two tiers with one audience',
    `${top}targets:\n  a: { tier: staging, access: read, token: { audience: x } }\n  ¶b: { tier: production, access: read, token: { audience: x } }\n`,
  ],
  [
    'P035',
    'two targets of one tier with one audience',
    `${top}targets:\n  a: { tier: x, access: read, token: { audience: x } }\n  ¶b: { tier: x, access: admin, token: { audience: x } }\n`,
  ],
  ['P035', 'two audiences', target('{ tier: x, access: read, token: { audience: ¶[a, b] } }')],
  [
    'P027',
    'a guardrail that selects no target',
    guardrail('{ never: { environment: x }, get: { tier: ¶nowhere } }'),
  ],
  ['P027', 'a selection that is empty', guardrail('{ max: 1h, get: ¶{ tier: staging, access: read } }')],
  ['P027', 'a selection of nothing', guardrail('{ max: 1h, get: ¶[] }')],
  [
    'P027',
    'a guardrail that no token can meet',
    guardrail('{ never: ¶{ event: push, ref: refs/pull/1/merge }, get: prod }'),
  ],
  ['P027', 'a target apart from itself', guardrail('{ apart: [ prod, ¶[staging, prod] ] }')],
  ['P026', 'a guardrail for a target that is not there', guardrail('{ max: 1h, get: ¶prood }')],
  ['P022', 'two rules in one guardrail', guardrail('{ never: { environment: x }, ¶max: 1h, get: prod }')],
  ['P022', 'a guardrail without a rule', `${good}guardrails:\n  - ¶{ name: g, get: prod }\n`],
  ['P028', 'never', brokenBy('{ never: { branch: main }, get: staging }')],
  ['P028', 'only', brokenBy('{ only: { environment: { any: true } }, get: staging }')],
  ['P028', 'always', brokenBy('{ always: { repo: acme/web }, get: staging }')],
  [
    'P028',
    'apart',
    brokenBy(
      '{ apart: [ staging, readable ] }',
      '  - { name: more, who: { repo: acme/web }, get: readable, for: 5m }\n',
    ),
  ],
  ['P028', 'max', brokenBy('{ max: 5m, get: staging }')],
  [
    'P028',
    'the baseline: staging and production in one job',
    grantAt(`{ repo: acme/web, branch: main, ${safe} }`, '[prod, staging]'),
  ],
  [
    'P036',
    'a host that nothing honours',
    `version: 1\nissuers: { github: { owners: [acme], ¶host: ghes.acme.example } }\n${targets}`,
  ],
  [
    'P037',
    'a test that fails',
    `${good}tests:\n  - { name: ¶mine, token: { repo: acme/web, branch: next }, asks: staging, expect: grant }\n`,
  ],
  [
    'P037',
    'a test that should be refused',
    `${good}tests:\n  - { name: ¶mine, token: { repo: acme/web }, asks: staging, expect: deny }\n`,
  ],
  [
    'P037',
    'another reason',
    `${good}tests:\n  - { name: mine, token: { repo: acme/web, branch: next }, asks: staging, expect: deny, because: ¶event }\n`,
  ],
  [
    'P038',
    'too many alternatives',
    `${good}who:\n  m: [${Array.from({ length: 40 }, (_, n) => `{ environment: e${n} }`).join(', ')}]\n  n: [${Array.from({ length: 40 }, (_, n) => `{ branch: b${n} }`).join(', ')}]\n  all: { use: ¶[m, n] }\n`,
  ],
  ...listed,
  [
    'P040',
    'a delegation that does not say what',
    `${good}delegations:\n  ¶team.policy.yaml: { who: { repo: acme/web } }\n`,
  ],
]

export const warnings: readonly Row[] = [
  [
    'P040',
    'a delegation to a file that is not there',
    `${good}delegations:\n  ¶team.policy.yaml: { who: { repo: acme/web }, get: staging }\n`,
  ],
  ['P039', 'the baseline switched off', `${good}¶baseline: off\n`],
  [
    'P012',
    'production, read, for pull requests',
    grant(`{ repo: acme/web, branch: main, ${safe}, event: ¶[push, pull_request] }`, 'prod-read'),
  ],
  ['P020', 'self-hosted runners in production', grantAt('{ repo: acme/web, branch: main }', 'prod')],
  [
    'P021',
    'a grant that adds nothing',
    `${good}  - { name: ¶more, who: { repo: acme/web, branch: main, environment: x }, get: staging, for: 5m }\n`,
  ],
  [
    'P024',
    'production by environment alone',
    grantAt(`{ repo: acme/web, environment: production, ${safe} }`, 'prod'),
  ],
  [
    'P025',
    'production for whoever can push a tag',
    grant(`{ repo: acme/web, tag: { like: ¶"v*" }, ${safe} }`, 'prod'),
  ],
  ['P030', 'two spellings', grant('{ repo: acme/web, branch: [main, ¶Main] }')],
  ['P033', 'a pattern without separator', grant('{ repo: { like: ¶"acme/web*" }, branch: main }')],
  ['P034', 'production without tests', grantAt(`{ repo: acme/web, branch: main, ${safe} }`, 'prod')],
]
