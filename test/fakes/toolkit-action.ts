/** An action that somebody wrote with GitHub's own toolkit: an ID token for the broker, one request, a masked output. */
import * as core from '@actions/core'

const url = core.getInput('url', { required: true })
const subject = await core.getIDToken(url)
const response = await fetch(`${url}/token`, {
  method: 'POST',
  body: new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: subject,
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    audience: core.getInput('target'),
  }),
})
const answer = (await response.json()) as Readonly<Record<string, string>>
if (response.ok) {
  core.setSecret(answer['access_token'] ?? '')
  core.setOutput('token', answer['access_token'])
} else {
  core.setFailed(`${answer['error']}: ${answer['error_description']}`)
}
