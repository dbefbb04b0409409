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
  return [fixed, ...apis.map(apiText)].join('\n')
}

function apiText({ name, audience, scopes, seconds }: Api): string {
  const label = name.replace(/[^A-Za-z0-9_]/g, '_')
  const server = `resource "auth0_resource_server" "api_${label}" {
  name                 = ${quoted(name)}
  identifier           = ${quoted(audience)}
  signing_alg          = "RS256"
  allow_offline_access = false
  token_lifetime       = ${seconds}
}
`
  if (scopes.length === 0) return server
  const each = scopes.map(
    (scope) => `
  scopes {
    name = ${quoted(scope)}
  }
`,
  )
  return `${server}
resource "auth0_resource_server_scopes" "api_${label}" {
  resource_server_identifier = auth0_resource_server.api_${label}.identifier
${each.join('')}}
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
