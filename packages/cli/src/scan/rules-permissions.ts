/** scan/rules-permissions: what the token that the platform gives each job may do. */

import { entriesOf, entryOf, type Node, textOf } from '@mayfly/policy/document-tree'
import { type Family, type Finding, finding, type Rule } from './finding.ts'
import { permissionsOf, type Workflow } from './workflow.ts'

const unsaid: Rule = {
  id: 'MS010',
  name: 'permissions-not-said',
  severity: 'medium',
  title: 'No permissions are said',
  why: 'The job gets what the organisation’s default is, in many of them the right to write to the repository.',
  instead: 'Write `permissions: { contents: read }` at the top, and more only in the job that needs it.',
}
const all: Rule = {
  id: 'MS011',
  name: 'permissions-all',
  severity: 'high',
  title: 'Every permission',
  why: 'Every step can change code, releases, packages and settings, and ask for identity tokens.',
  instead: 'Name the permissions that the job needs.',
}
const identityForAll: Rule = {
  id: 'MS012',
  name: 'identity-for-every-job',
  severity: 'medium',
  title: 'Every job may ask for an identity token',
  why: 'A token says which job asked, but each job that may ask is one more that a stolen step can ask in.',
  instead: 'Say `id-token: write` in the job that exchanges the token, and nowhere else.',
}
const writeForAll: Rule = {
  id: 'MS013',
  name: 'write-for-every-job',
  severity: 'low',
  title: 'Every job may write',
  why: 'Builds and tests run code of many authors and need to write nothing.',
  instead: 'Say it in the job that writes.',
}

export const permissionRules: Family = {
  rules: [unsaid, all, identityForAll, writeForAll],
  find: (workflow) => (workflow.is === 'action' ? [] : [...missing(workflow), ...broad(workflow)]),
}

/** A workflow that is only called has the permissions of its caller. */
function missing(workflow: Workflow): readonly Finding[] {
  const called = workflow.triggers.size === 1 && workflow.triggers.has('workflow_call')
  if (called || permissionsOf(workflow.node) !== undefined) return []
  return workflow.jobs
    .filter(({ node }) => permissionsOf(node) === undefined)
    .map(({ name, place }) =>
      finding(unsaid, workflow, place, `job \`${name}\` has the organisation’s default permissions`),
    )
}

function broad(workflow: Workflow): readonly Finding[] {
  const nodes: readonly Node[] = [workflow.node, ...workflow.jobs.map(({ node }) => node)]
  return nodes.flatMap((node, at) => {
    const entry = entryOf(node, 'permissions')
    if (entry === undefined) return []
    if (textOf(entry.value) === 'write-all')
      return [
        finding(all, workflow, entry.place, `${at === 0 ? 'every job' : 'the job'} may write everything`),
      ]
    return at === 0 && workflow.jobs.length > 1 ? shared(workflow, entry.value) : []
  })
}

function shared(workflow: Workflow, permissions: Node): readonly Finding[] {
  // A job that says its own permissions has none of these.
  const concerned = workflow.jobs.filter(({ node }) => permissionsOf(node) === undefined)
  if (concerned.length < 2) return []
  return entriesOf(permissions)
    .filter(({ value }) => textOf(value) === 'write')
    .map(({ key, place }) =>
      finding(
        key === 'id-token' ? identityForAll : writeForAll,
        workflow,
        place,
        `\`${key}: write\` is for all ${concerned.length} jobs that say nothing else`,
      ),
    )
}
