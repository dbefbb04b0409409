/** Workflows of the fixtures, and what a proposal must leave as it was. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

export const folder = join(import.meta.dirname, 'fixtures')
export const fixtures = globSync('**/*.yml', { cwd: folder }).sort()
export const setting = {
  url: 'https://mayfly.example.com',
  action: 'mayfly-dev/mayfly@v1',
  repository: 'acme/shop',
  branch: 'main',
}

const pathOf = (name: string) => (name.includes('/') ? name : `.github/workflows/${name}`)
export const source = (name: string) => ({
  path: pathOf(name),
  text: readFileSync(join(folder, name), 'utf8'),
})

interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps?: readonly Readonly<Record<string, unknown>>[] }>>
}

/** Steps without ours, and without what a patch may change in them. */
export function rest(text: string): unknown {
  const { jobs, ...other } = parse(text, { merge: true }) as Workflow & Readonly<Record<string, unknown>>
  const steps = Object.entries(jobs ?? {}).map(([name, job]) => [
    name,
    (job.steps ?? [])
      .filter(({ uses }) => uses !== setting.action)
      .map(({ env: _, with: __, run, ...step }) => ({ ...step, ran: run !== undefined })),
  ])
  return { ...other, env: undefined, permissions: undefined, steps }
}
