/** fix/aws-keys: where AWS's own tools find the two halves of a key. */
import { entriesOf, type Node } from '@mayfly/policy/document-tree'
import type { SecretUse } from '../secret-use.ts'
import { actionOf, type Job } from '../workflow.ts'

/** Keys in the variables and inputs that AWS's own tools read: they come by the same names from the action. */
export function isAws({ key, step, where }: Pick<SecretUse, 'key' | 'step' | 'where'>): boolean {
  const variable = /^AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)$/.test(key)
  if (where !== 'with') return variable
  const configures = step !== undefined && actionOf(step) === 'aws-actions/configure-aws-credentials'
  return configures && /^aws-(?:access-key-id|secret-access-key|session-token)$/.test(key)
}

/** A step that sets one half of a key itself would have it beside the other half of the role's. */
export function hasHalfKey(job: Job, replaced: ReadonlySet<Node>): boolean {
  return job.steps.some((step) =>
    (['step env', 'with'] as const).some((where) => {
      const given = entriesOf(where === 'with' ? step.with : step.env).filter(({ key }) =>
        isAws({ key, step, where }),
      )
      const own = given.filter(({ value }) => !replaced.has(value))
      const whole = ['ACCESS_KEY_ID', 'SECRET_ACCESS_KEY'].every((half) =>
        own.some(({ key }) => key.toUpperCase().replaceAll('-', '_').endsWith(half)),
      )
      return own.length > 0 && !whole
    }),
  )
}
