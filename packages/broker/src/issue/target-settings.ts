import type { z } from 'zod'
import type { Json } from '../base/canonical-json.ts'
import { auth0Settings } from './targets/auth0/settings.ts'
import { awsRoleSettings } from './targets/aws/settings.ts'
import { azureSettings } from './targets/azure/settings.ts'
import { gcpSettings } from './targets/gcp/settings.ts'
import { githubAppSettings } from './targets/github-app/settings.ts'
import { kubernetesSettings } from './targets/kubernetes/settings.ts'
import { mysqlRoleSettings } from './targets/mysql/settings.ts'
import { postgresRoleSettings } from './targets/postgres/settings.ts'
import { redisUserSettings } from './targets/redis/settings.ts'
import { secretSettings } from './targets/secret/settings.ts'
import { sshSettings } from './targets/ssh/settings.ts'
import { tokenTargetSettings } from './targets/token/settings.ts'
import { filledIn } from './templates.ts'

/** What a policy may say of a target, by its kind. */
export const targetSettings = {
  token: tokenTargetSettings,
  auth0: auth0Settings,
  aws_role: awsRoleSettings,
  azure: azureSettings,
  gcp_service_account: gcpSettings,
  github_app: githubAppSettings,
  kubernetes: kubernetesSettings,
  mysql_role: mysqlRoleSettings,
  postgres_role: postgresRoleSettings,
  redis_user: redisUserSettings,
  secret: secretSettings,
  ssh: sshSettings,
} as const satisfies Readonly<Record<string, z.ZodType>>

/** A word of policies for a kind of target. */
export type TargetWord = keyof typeof targetSettings

/** What templates may become: where one of them fits, a job may come that has such a value. */
const samples = ['1', 'e', '11111111-2222-3333-4444-555555555555']

/**
 * What is wrong with a target's settings in a policy, and what they should be: `permissions.contents: must be ...`.
 * `undefined`: they are those of the kind, whatever a job's token puts into their templates.
 */
export function settingsFault(kind: TargetWord, settings: Json): string | undefined {
  const schema: z.ZodType = targetSettings[kind]
  const faults = samples.map((value) => {
    const filled = filledIn(settings, { claims: { repository_id: value, environment: value } })
    const parsed = schema.safeParse(filled)
    return parsed.success ? undefined : inWords(parsed.error.issues, filled)
  })
  return faults.includes(undefined) ? undefined : faults[0]
}

function inWords(issues: readonly z.core.$ZodIssue[], value: Json): string {
  return issues.map((issue) => wordsOf(issue, value)).join('; ')
}

function wordsOf(issue: z.core.$ZodIssue, value: Json): string {
  const inside = issue.path.reduce<unknown>(memberOf, value)
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // Of a text, or of a list, or of a map: the form that somebody meant is the one whose type fits.
    const meant = issue.errors.find(
      (each) => !each.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
    )
    const [first] = meant ?? issue.errors[0] ?? []
    if (first !== undefined) return wordsOf({ ...first, path: [...issue.path, ...first.path] }, value)
  }
  const place = issue.path.length === 0 ? '' : `${issue.path.map(String).join('.')}: `
  const absent = issue.code === 'invalid_type' && inside === undefined
  return `${place}${absent ? `is missing (${issue.expected})` : issue.message}`
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}
