/** Commands that bring other platforms' rules here, and the policy there. */
import type { Listed } from './command.ts'

export const convertCommands: readonly Listed[] = [
  {
    name: 'import octo-sts',
    summary: 'Turn trust policies of octo-sts into a policy',
    load: () => import('./commands/import-octo-sts.ts'),
  },
  {
    name: 'import aws',
    summary: 'Turn trust policies of IAM roles into a policy',
    load: () => import('./commands/import-aws.ts'),
  },
  {
    name: 'import vault',
    summary: 'Turn JWT roles of Vault into a policy',
    load: () => import('./commands/import-vault.ts'),
  },
  {
    name: 'import gcp',
    summary: 'Turn a provider of a workload identity pool into a policy',
    load: () => import('./commands/import-gcp.ts'),
  },
  {
    name: 'export aws',
    summary: 'Write the policy as trust policies of IAM roles',
    load: () => import('./commands/export-aws.ts'),
  },
  {
    name: 'export gcp',
    summary: 'Write the policy as providers of a workload identity pool',
    load: () => import('./commands/export-gcp.ts'),
  },
  {
    name: 'export azure',
    summary: 'Write the policy as federated credentials of Entra applications',
    load: () => import('./commands/export-azure.ts'),
  },
  {
    name: 'export vault',
    summary: 'Write the policy as JWT roles of Vault',
    load: () => import('./commands/export-vault.ts'),
  },
]
