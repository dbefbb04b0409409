import { importGcp } from '@mayfly/policy/convert/gcp/import'
import { type Command, UsageFault } from '../command.ts'
import { importExits, importOptions, importRules, memberOf, readJson } from '../convert/importing.ts'

export const command: Command = {
  usage: '--service-account EMAIL [options] FILE',
  about: `Turns a provider of a workload identity pool, and who may act as a service account, into a policy: what \`gcloud
iam workload-identity-pools providers describe --format=json\` prints, and with --members what \`gcloud iam
service-accounts get-iam-policy --format=json\` does.`,
  options: {
    'service-account': { type: 'string', value: 'EMAIL', summary: 'The service account' },
    members: {
      type: 'string',
      value: 'FILE',
      summary: 'Its IAM policy; without it, every identity of the provider is taken to be meant',
    },
    ...importOptions,
  },
  words: { least: 1, most: 1 },
  examples: [
    'mayfly import gcp --service-account deploy@acme.iam.gserviceaccount.com --members iam.json provider.json',
  ],
  exits: importExits,
  run: (given, terminal) =>
    importRules(given, terminal, async (setting) => {
      const serviceAccount = given.text('service-account')
      if (serviceAccount === undefined) throw new UsageFault('--service-account is missing')
      const provider = await readJson(given.words[0] ?? '', terminal)
      const path = given.text('members')
      const members = path === undefined ? {} : membersOf(await readJson(path, terminal))
      return [importGcp({ provider, serviceAccount, ...members }, setting)]
    }),
}

const impersonation: readonly unknown[] = [
  'roles/iam.workloadIdentityUser',
  'roles/iam.serviceAccountTokenCreator',
]

function membersOf(policy: unknown) {
  const bindings = memberOf(policy, 'bindings')
  const own = Array.isArray(bindings)
    ? bindings.filter((binding) => impersonation.includes(memberOf(binding, 'role')))
    : []
  const of = (conditional: boolean) =>
    own
      .filter((binding) => (memberOf(binding, 'condition') != null) === conditional)
      .flatMap((binding) => memberOf(binding, 'members'))
      .map(String)
      .filter((member) => /^principal(?:Set)?:/.test(member))
  return { members: of(false), conditional: of(true) }
}
