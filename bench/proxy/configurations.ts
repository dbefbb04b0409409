/**
 * The contenders that others made, as somebody who knows them would set them up for this: one worker, connections
 * kept on both sides, no access log, nothing else switched on. Where one verifies tokens, it checks the signature
 * (ES256), the issuer, the audience and the end, as RFC 9068 asks.
 */

export interface Setting {
  readonly port: number
  readonly upstream: number
  readonly folder: string
  readonly issuer: string
  readonly audience: string
}

const nginxCommon = (folder: string) => `
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
`

const nginxHttp = (folder: string) => `
  access_log off;
  keepalive_requests 100000000;
  keepalive_timeout 75s;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
`

/** What everybody carries to: 200 bytes of JSON. */
export function nginxUpstream({ port, folder }: Pick<Setting, 'port' | 'folder'>): string {
  const order = JSON.stringify({ id: 42, state: 'paid', items: 'x'.repeat(160) })
  return `${nginxCommon(folder)}
http {${nginxHttp(folder)}
  server {
    listen 127.0.0.1:${port};
    location / { default_type application/json; return 200 '${order}'; }
  }
}
`
}

export function nginxProxy({ port, upstream, folder }: Setting): string {
  return `${nginxCommon(folder)}
http {${nginxHttp(folder)}
  upstream orders {
    server 127.0.0.1:${upstream};
    keepalive 64;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://orders;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Authorization "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $host;
    }
  }
}
`
}

/** \`http-request\` rules in the order of HAProxy's own guide to tokens. The key is \`key.pem\` in the folder. */
export function haproxyVerifying({ port, upstream, folder, issuer, audience }: Setting): string {
  return `
global
  nbthread 1
  maxconn 1024
defaults
  mode http
  timeout connect 5s
  timeout client 75s
  timeout server 60s
  http-reuse always
frontend api
  bind 127.0.0.1:${port}
  http-request set-var(txn.algorithm) http_auth_bearer,jwt_header_query('$.alg')
  http-request set-var(txn.issuer) http_auth_bearer,jwt_payload_query('$.iss')
  http-request set-var(txn.audience) http_auth_bearer,jwt_payload_query('$.aud')
  http-request set-var(txn.end) http_auth_bearer,jwt_payload_query('$.exp','int')
  http-request set-var(txn.subject) http_auth_bearer,jwt_payload_query('$.sub')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless { var(txn.algorithm) -m str ES256 }
  http-request deny deny_status 401 unless { var(txn.issuer) -m str ${issuer} }
  http-request deny deny_status 401 unless { var(txn.audience) -m str ${audience} }
  http-request deny deny_status 401 if { var(txn.end),sub(txn.now) -m int lt 0 }
  http-request deny deny_status 401 unless { http_auth_bearer,jwt_verify(txn.algorithm,"${folder}/key.pem") -m int 1 }
  http-request del-header Authorization
  http-request set-header X-Subject %[var(txn.subject)]
  http-request set-header X-Forwarded-For %[src]
  default_backend orders
backend orders
  server orders 127.0.0.1:${upstream} maxconn 1024
`
}

/** One process of the event model, with the module checking tokens by the keys at `jwks`, which it wants to be `https`. */
export function apacheVerifying(setting: Setting & { readonly jwks: string }): string {
  const { port, upstream, folder, issuer, audience, jwks } = setting
  const modules = [
    'mpm_event',
    'authn_core',
    'authz_core',
    'authz_user',
    'headers',
    'proxy',
    'proxy_http',
    'auth_openidc',
  ]
  const loads = modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`)
  return `
ServerRoot ${folder}
PidFile ${folder}/apache.pid
DefaultRuntimeDir ${folder}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
ErrorLog ${folder}/error.log
LogLevel error
${loads.join('\n')}
User www-data
Group www-data
StartServers 1
ServerLimit 1
ThreadsPerChild 64
ThreadLimit 64
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 75
OIDCOAuthVerifyJwksUri ${jwks}
OIDCOAuthSSLValidateServer Off
OIDCOAuthRemoteUserClaim sub
OIDCCryptoPassphrase bench
<Location />
  AuthType oauth20
  <RequireAll>
    Require claim iss:${issuer}
    Require claim aud:${audience}
  </RequireAll>
  RequestHeader unset Authorization
</Location>
ProxyPass / http://127.0.0.1:${upstream}/ enablereuse=on keepalive=On
`
}

/** A session of the server for each of a caller, which is what a route gives too; passwords from `users`. */
export function pgbouncer({ port, upstream, folder }: Pick<Setting, 'port' | 'upstream' | 'folder'>): string {
  return `
[databases]
* = host=127.0.0.1 port=${upstream}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${folder}/users
pool_mode = session
default_pool_size = 40
max_client_conn = 200
log_connections = 0
log_disconnections = 0
stats_period = 600
`
}
