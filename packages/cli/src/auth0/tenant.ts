/** The tenant's set-up as Terraform, for the provider `auth0/auth0`: what the Action needs around it. */

export interface Api {
  readonly name: string
  readonly audience: string
  readonly scopes: readonly string[]
  /** Seconds that its tokens live. */
  readonly seconds: number
}

export interface Tenant {
  readonly connection: string
  /** RFC 8693 3: an own URI; Auth0 refuses those of others. */
  readonly subjectTokenType: string
  readonly actionFile: string
  readonly apis: readonly Api[]
}

/** Written as `terraform fmt` writes it. */
export function tenantText({ connection, subjectTokenType, actionFile, apis }: Tenant): string {
  const fixed = `# Written by \`mayfly export auth0-action\`. Jobs exchange their tokens at Auth0 itself; no broker is needed.
terraform {
  required_providers {
    auth0 = {
      source  = "auth0/auth0"
      version = ">= 1.30"
    }
  }
}

resource "auth0_action" "mayfly" {
  name    = "mayfly"
  code    = file("\${path.module}/${escaped(actionFile)}")
  runtime = "node22"
  deploy  = true

  supported_triggers {
    id      = "custom-token-exchange"
    version = "v1"
  }
}

resource "auth0_token_exchange_profile" "mayfly" {
  name               = "mayfly"
  subject_token_type = ${quoted(subjectTokenType)}
  action_id          = auth0_action.mayfly.id
  type               = "custom_authentication"
}

resource "auth0_connection" "workloads" {
  name     = ${quoted(connection)}
  strategy = "auth0"

  options {
    disable_signup = true
  }
}

resource "auth0_client" "jobs" {
  name            = "Mayfly jobs"
  app_type        = "non_interactive"
  is_first_party  = true
  grant_types     = ["urn:ietf:params:oauth:grant-type:token-exchange"]
  oidc_conformant = true

  token_exchange {
    allow_any_profile_of_type = ["custom_authentication"]
  }
}

resource "auth0_connection_clients" "workloads" {
  connection_id   = auth0_connection.workloads.id
  enabled_clients = [auth0_client.jobs.id]
}
`
  const labels = labelsOf(apis)
  return [fixed, ...apis.map((api, at) => apiText(api, labels[at] ?? ''))].join('\n')
}

/** Names of targets have letters that Terraform's have not: two that come to the same are told apart by a number. */
function labelsOf(apis: readonly Api[]): readonly string[] {
  const taken = new Set<string>()
  return apis.map(({ name }) => {
    const plain = `api_${name.replace(/[^A-Za-z0-9_]/g, '_')}`
    let label = plain
    for (let count = 2; taken.has(label); count++) label = `${plain}_${count}`
    taken.add(label)
    return label
  })
}

/** No application gets the API's tokens by being there: the jobs' client has a grant for users, others need their own. */
function apiText({ name, audience, scopes, seconds }: Api, label: string): string {
  const server = `resource "auth0_resource_server" "${label}" {
  name                                            = ${quoted(name)}
  identifier                                      = ${quoted(audience)}
  signing_alg                                     = "RS256"
  allow_offline_access                            = false
  skip_consent_for_verifiable_first_party_clients = true
  token_lifetime                                  = ${seconds}

  subject_type_authorization {
    user {
      policy = "require_client_grant"
    }
    client {
      policy = "require_client_grant"
    }
  }
}
`
  return [server, ...(scopes.length === 0 ? [] : [scopesText(scopes, label)]), grantText(scopes, label)].join(
    '\n',
  )
}

function scopesText(scopes: readonly string[], label: string): string {
  const each = scopes.map(
    (scope) => `
  scopes {
    name = ${quoted(scope)}
  }
`,
  )
  return `resource "auth0_resource_server_scopes" "${label}" {
  resource_server_identifier = auth0_resource_server.${label}.identifier
${each.join('')}}
`
}

function grantText(scopes: readonly string[], label: string): string {
  const wait = scopes.length === 0 ? '' : `\n  depends_on = [auth0_resource_server_scopes.${label}]\n`
  return `resource "auth0_client_grant" "${label}" {
  client_id    = auth0_client.jobs.id
  audience     = auth0_resource_server.${label}.identifier
  scopes       = [${scopes.map(quoted).join(', ')}]
  subject_type = "user"
${wait}}
`
}

function quoted(text: string): string {
  return `"${escaped(text)}"`
}

/** HCL 2 reads templates inside of quotes. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll(/[$%](?=\{)/g, (sign) => sign + sign)
}
