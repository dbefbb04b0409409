import type { Config } from './config/config.ts'
import { configuredIssuer } from './verify/settings.ts'

/** What does not fit of how people sign in at routes. */
export function signInFaults(config: Config): readonly string[] {
  return config.routes.flatMap((route) => {
    if (route.kind !== 'http' || route.sign_in === undefined) return []
    const { issuer } = route.sign_in
    const found = Object.hasOwn(config.issuers, issuer) ? config.issuers[issuer] : undefined
    const who = `route \`${route.name}\`: \`sign_in\` names the issuer \`${issuer}\``
    if (found === undefined) return [`${who}, which is not configured`]
    if (found.preset !== 'oidc')
      return [`${who} of preset \`${found.preset}\`; people come by one of \`oidc\``]
    return configuredIssuer(found) === undefined ? [`${who}, which has no \`issuer\``] : []
  })
}
