import type { Listed } from './command.ts'

/** Static secrets that the store keeps. */
export const secretCommands: readonly Listed[] = [
  {
    name: 'secrets put',
    summary: 'Keep a static secret, or replace it, sealed in the store',
    load: () => import('./commands/secrets-put.ts'),
  },
  {
    name: 'secrets list',
    summary: 'List static secrets: how old, how often given, when last',
    load: () => import('./commands/secrets-list.ts'),
  },
  {
    name: 'secrets remove',
    summary: 'Remove a static secret from the store',
    load: () => import('./commands/secrets-remove.ts'),
  },
  {
    name: 'secrets rewrap',
    summary: 'Seal every static secret anew under the key that wraps now',
    load: () => import('./commands/secrets-rewrap.ts'),
  },
]
