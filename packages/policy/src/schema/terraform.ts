/**
 * schema/terraform: workload identity tokens of HCP Terraform and Terraform Enterprise. Speculative plans of pull
 * requests get tokens like every other plan, so a grant that names no phase is for `apply` alone.
 */
import { words } from '../glob.ts'
import { literals } from '../lang.ts'
import { takeAll, textAt } from './claim-text.ts'
import { audience, claim, joined, optional, provesNothing, short } from './declare.ts'
import { alphanumeric, text, word } from './domain.ts'
import type { ClaimParts, ClaimSchema, IssuerSchema, RefusedClaim } from './schema.ts'

const claims: ReadonlyMap<string, ClaimSchema> = new Map([
  claim('terraform_organization_id', words('org-', alphanumeric)),
  claim('terraform_project_id', words('prj-', alphanumeric)),
  claim('terraform_workspace_id', words('ws-', alphanumeric)),
  claim('terraform_run_phase', literals(['plan', 'apply'])),
  claim('terraform_organization_name', word, optional),
  claim('terraform_project_name', text, optional),
  claim('terraform_workspace_name', word, optional),
])

const refused = new Map<string, RefusedClaim>([
  joined('joins names that can be changed', 'name the claims you mean: workspace, phase, ...'),
  audience,
  provesNothing('terraform_full_workspace', 'joins names that can be changed', 'use workspace:'),
  provesNothing('terraform_run_id', 'is new for every run', 'use workspace: and phase:'),
])

const parts: ClaimParts = {
  tenant: { claim: 'terraform_organization_id' },
  identities: [
    'terraform_workspace_id',
    'terraform_workspace_name',
    'terraform_project_id',
    'terraform_project_name',
    'terraform_organization_id',
  ],
  event: { claim: 'terraform_run_phase', standard: ['apply'], outsider: [], proposal: ['plan'] },
  // The workspace decides which code runs: its repository and branch are its settings.
  pins: [
    'terraform_workspace_id',
    'terraform_workspace_name',
    'terraform_project_id',
    'terraform_project_name',
  ],
  anybodys: new Map(),
}

export const terraform: IssuerSchema = {
  kind: 'terraform',
  claims,
  shorthands: new Map([
    ['organization', short('terraform_organization_id')],
    ['project', short('terraform_project_id', '', 'terraform_project_name')],
    ['workspace', short('terraform_workspace_id', '', 'terraform_workspace_name')],
    ['phase', short('terraform_run_phase')],
  ]),
  refused,
  profile: [],
  parts,
  intake: (given) => takeAll(claims.values(), (name) => textAt(given, [name])),
  typical: (said, tenants) =>
    new Map([
      ['terraform_organization_id', tenants.values().next().value ?? 'org-1'],
      ['terraform_project_id', 'prj-1'],
      ['terraform_workspace_id', 'ws-1'],
      ['terraform_run_phase', 'apply'],
      ['terraform_organization_name', 'organization'],
      ['terraform_project_name', 'Default Project'],
      ['terraform_workspace_name', 'typical'],
      ...said,
    ]),
  present: (token) => Object.fromEntries(token),
}
