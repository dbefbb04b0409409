import type { Listed } from './command.ts'

/** What an auditor needs; the demo calls these too. */
export const auditCommands: readonly Listed[] = [
  {
    name: 'audit verify',
    summary: 'Prove that an exported log is whole, without any server',
    load: () => import('./commands/audit-verify.ts'),
  },
  {
    name: 'audit export',
    summary: 'Write the whole log under a fresh signed head',
    load: () => import('./commands/audit-export.ts'),
  },
  {
    name: 'audit show',
    summary: 'Tell what one job, or one lease, did from its first request to its end',
    load: () => import('./commands/audit-show.ts'),
  },
]
