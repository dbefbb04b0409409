/** Every command there is. Each is loaded when it is called: most of them never need the broker. */
import { auditCommands } from './audit-commands.ts'
import type { Listed } from './command.ts'
import { convertCommands } from './convert-commands.ts'
import { secretCommands } from './secret-commands.ts'

export const commands: readonly Listed[] = [
  {
    name: 'demo',
    summary: 'Show the main job from end to end on this machine, without a network',
    load: () => import('./commands/demo.ts'),
  },
  {
    name: 'serve',
    summary: 'Run the broker and its routes',
    load: () => import('./commands/serve.ts'),
  },
  {
    name: 'check',
    summary: 'Do what the server does at start, and nothing else',
    load: () => import('./commands/check.ts'),
  },
  {
    name: 'policy check',
    summary: 'Check a folder of policy files with the code that the server runs',
    load: () => import('./commands/policy-check.ts'),
  },
  {
    name: 'policy lock',
    summary: 'Write the ids of the names in a policy, as GitHub has them',
    load: () => import('./commands/policy-lock.ts'),
  },
  {
    name: 'policy test',
    summary: 'Run the tests that stand in a policy',
    load: () => import('./commands/policy-test.ts'),
  },
  {
    name: 'policy prove',
    summary: 'Prove every guardrail, or show the token that breaks it',
    load: () => import('./commands/policy-prove.ts'),
  },
  {
    name: 'policy diff',
    summary: 'Say who gains and who loses access by a changed policy',
    load: () => import('./commands/policy-diff.ts'),
  },
  {
    name: 'policy reach',
    summary: 'List what some tokens can get',
    load: () => import('./commands/policy-reach.ts'),
  },
  {
    name: 'policy who',
    summary: 'List who can get a target',
    load: () => import('./commands/policy-who.ts'),
  },
  {
    name: 'policy explain',
    summary: 'Say whether a token would get a target, and if not, why',
    load: () => import('./commands/policy-explain.ts'),
  },
  {
    name: 'policy replay',
    summary: 'Decide what the log holds again, under a changed policy',
    load: () => import('./commands/policy-replay.ts'),
  },
  {
    name: 'policy tighten',
    summary: 'Propose the smaller policy that recorded use would still have passed',
    load: () => import('./commands/policy-tighten.ts'),
  },
  {
    name: 'exchange',
    summary: "Exchange a platform's identity token for a credential",
    load: () => import('./commands/exchange.ts'),
  },
  {
    name: 'exec',
    summary: 'Run a command with credentials, and end them when it is over',
    load: () => import('./commands/exec.ts'),
  },
  {
    name: 'connect',
    summary: 'Let the broker reach places of a private network from here',
    load: () => import('./commands/connect.ts'),
  },
  {
    name: 'aws-credential-process',
    summary: 'Give AWS’s tools keys whenever they ask',
    load: () => import('./commands/aws-credential-process.ts'),
  },
  {
    name: 'git-credential',
    summary: 'Give git a token of a GitHub App when it asks',
    load: () => import('./commands/git-credential.ts'),
  },
  {
    name: 'doctor',
    summary: 'Say what stands between this job and a credential',
    load: () => import('./commands/doctor.ts'),
  },
  {
    name: 'leases list',
    summary: 'List leases: who has what until when',
    load: () => import('./commands/leases-list.ts'),
  },
  {
    name: 'leases revoke',
    summary: 'End leases now',
    load: () => import('./commands/leases-revoke.ts'),
  },
  {
    name: 'switch off',
    summary:
      'Kill switch: end all that was issued for a target, an issuer or a repository, and issue no more',
    load: () => import('./commands/switch-off.ts'),
  },
  {
    name: 'switch on',
    summary: 'Let it be issued again',
    load: () => import('./commands/switch-on.ts'),
  },
  {
    name: 'switch list',
    summary: 'List what is switched off',
    load: () => import('./commands/switch-list.ts'),
  },
  {
    name: 'keys list',
    summary: 'List the keys that sign our tokens, and when each signs',
    load: () => import('./commands/keys-list.ts'),
  },
  {
    name: 'keys rotate',
    summary: 'Start a rotation of the signing key now',
    load: () => import('./commands/keys-rotate.ts'),
  },
  {
    name: 'scan',
    summary: 'Find static secrets in workflows, and who else could run code beside them',
    load: () => import('./commands/scan.ts'),
  },
  {
    name: 'export auth0-action',
    summary: 'Write the policy as an Action of Auth0 that decides as the broker would',
    load: () => import('./commands/export-auth0-action.ts'),
  },
  ...convertCommands,
  ...secretCommands,
  ...auditCommands,
]
