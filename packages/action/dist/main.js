function brokerUrl(text2){let url=secureUrl(text2,"The broker URL");if(url.search!==""||url.hash!=="")throw new TypeError(
"The broker URL has a query or a fragment.");return`${url.origin}${url.pathname}`.replace(/\/+$/,"")}function secureUrl(text2,what){
let url=URL.parse(text2);if(url===null)throw new TypeError(`${what} is not a URL.`);if(url.username!==""||url.
password!=="")throw new TypeError(`${what} holds a user or a password; leave them out.`);if(url.protocol!=="ht\
tps:"&&!(url.protocol==="http:"&&isLoopback(url.hostname)))throw new TypeError(`${what} must begin with https:\
// (http:// works for loopback only).`);return url}function isLoopback(hostname){return hostname==="localhost"||
hostname==="[::1]"||/^127\.\d+\.\d+\.\d+$/.test(hostname)}function jsonObject(text2){try{let value=JSON.parse(text2);return isObject(value)?value:void 0}catch{return}}function isObject(value){
return typeof value=="object"&&value!==null&&!Array.isArray(value)}var MayflyRefused=class extends Error{name="MayflyRefused";error;status;description;explanation;errorId;advice;answered;constructor(parts){
let answered=answeredOf(parts);super(`${parts.status>=500?"Mayfly failed":"Mayfly refused"}: ${answered}`),this.
answered=answered,this.error=parts.error,this.status=parts.status,this.description=parts.description,this.explanation=
parts.explanation,this.errorId=parts.errorId,this.advice=parts.advice??[]}};function answeredOf({error,status,
description,errorId}){let id=errorId===void 0?"":` (error id ${errorId})`;return`${error}, status ${status}. ${description}${id}`}
var errorPattern=/^[\w.:-]{1,100}$/;function refusalOf(answer,secrets,advise=()=>[]){let text2=secrets.reduce(
(rest,secret)=>secret===""?rest:rest.replaceAll(secret,"***"),answer.text),members=jsonObject(text2),error=members?.
error;return members===void 0||typeof error!="string"||!errorPattern.test(error)?unexpectedAnswer(answer.status):
new MayflyRefused({error,status:answer.status,description:words(members.error_description)??"No description wa\
s given.",explanation:explanationOf(members.explanation),errorId:words(members.error_id),advice:isTokens(error,
members.error_description)?advise():[]})}function isTokens(error,description){return error==="invalid_request"&&
description==="The token was not accepted."}function unexpectedAnswer(status){return new MayflyRefused({error:"\
unexpected_answer",status,description:"The answer is not one that a Mayfly broker gives; is the URL right?"})}
function explanationOf(value){if(!isObject(value))return;let grants=list(value.grants).map(grant=>({grant:words(
grant.grant)??"unnamed",failing:list(grant.failing).map(conditionOf)}));return{summary:words(value.summary)??"",
grants}}function conditionOf(value){let hint=words(value.hint);return{claim:words(value.claim)??"unnamed",got:words(
value.got)??"nothing",needed:words(value.needed)??"nothing",...hint===void 0?{}:{hint}}}function list(value){return Array.
isArray(value)?value.filter(isObject).slice(0,20):[]}function words(value){if(value==null)return;let text2=typeof value==
"string"?value:JSON.stringify(value);return text2.length>500?`${text2.slice(0,499)}…`:text2}var brokerRetry={waitsMs:[500,1e3,2e3],longestWaitMs:3e4,tryMs:1e4,wait,random:()=>(crypto.getRandomValues(new Uint32Array(
1))[0]??0)/4294967296},idTokenRetry={...brokerRetry,waitsMs:[50,100,200,400,800,1600,3e3,3e3,3e3]};function jittered(ms,random){
return Math.round(ms*(.5+random()/2))}function retryAfterMs(value){return value!==null&&/^\d{1,6}$/.test(value.
trim())?Number(value)*1e3:void 0}function wait(ms,signal){return new Promise((resolve,reject)=>{let aborted=()=>{
clearTimeout(timer),reject(signal?.reason)},timer=setTimeout(()=>{signal?.removeEventListener("abort",aborted),
resolve()},ms);signal?.aborted?aborted():signal?.addEventListener("abort",aborted,{once:!0})})}var fetchTransport=(url,request)=>fetch(url,request);var MayflyUnreachable=class extends Error{name="MayflyUnreachable";origin;code;tries;constructor(origin,code2,tries){
super(`${origin} cannot be reached (${code2}; ${tries} ${tries===1?"try":"tries"}).`),this.origin=origin,this.
code=code2,this.tries=tries}};function networkErrorCode(error){for(let each of[error,error instanceof Error?error.
cause:void 0])if(!(typeof each!="object"||each===null)){if("name"in each&&each.name==="TimeoutError")return"ti\
meout";if("code"in each&&typeof each.code=="string"&&/^[A-Z][A-Z0-9_]{2,60}$/.test(each.code))return each.code}
return"unknown"}async function send(url,compose,sending){let retry=sending.retry??brokerRetry;for(let tries=1;;tries++){let outcome=await once(
url,await compose(),sending,retry.tryMs);if(sending.signal?.throwIfAborted(),"answer"in outcome&&!isPassing(outcome.
answer.status))return outcome.answer;let scheduled=retry.waitsMs[tries-1],asked="answer"in outcome?outcome.retryAfterMs:
void 0,waitMs=scheduled===void 0?void 0:asked??jittered(scheduled,retry.random);if(waitMs===void 0||waitMs>retry.
longestWaitMs){if("answer"in outcome)return outcome.answer;throw new MayflyUnreachable(url.origin,outcome.code,
tries)}await retry.wait(waitMs,sending.signal)}}async function once(url,message,sending,tryMs){let timeout=AbortSignal.
timeout(tryMs),signal=sending.signal===void 0?timeout:AbortSignal.any([sending.signal,timeout]);try{let answer=await(sending.
transport??fetchTransport)(url.href,{...message,signal,redirect:"manual"});return{answer:{status:answer.status,
text:await answer.text(),...clockOf(answer.headers.get("date"))},retryAfterMs:retryAfterMs(answer.headers.get(
"retry-after"))}}catch(error){return{code:timeout.aborted?"timeout":networkErrorCode(error)}}}function clockOf(date){
let at=Date.parse(date??"")/1e3;return Number.isNaN(at)?{}:{at}}function isPassing(status){return status===429||
status>=500&&status<=599}function formMessage(members){let form=new URLSearchParams;for(let[name,value]of Object.
entries(members))value!==void 0&&form.set(name,value);return{method:"POST",headers:{"content-type":"applicatio\
n/x-www-form-urlencoded",accept:"application/json"},body:form.toString()}}var slack=60;function tokenFaults(token,url,nowSeconds){let faults=brokenTokenFaults(token,url,nowSeconds);return faults.
length>0?faults:[leftOver(claimsOf(token)??{})]}function brokenTokenFaults(token,url,nowSeconds){let claims=claimsOf(
token);if(claims===void 0)return["What was sent is no identity token (a JWT of three parts)."];let times=nowSeconds===
void 0?[]:timeFaults(claims,nowSeconds);return[...audienceFaults(claims,url),...times]}function leftOver(claims){
return`Nothing is plainly wrong with the token. Each can be used once: ask the platform for a new one for each\
 exchange. Otherwise the broker does not trust its issuer, ${issuerOf(claims)}, or its job has ended; the oper\
ator finds the reason by the error id.`}function audienceFaults({aud},url){if(aud===url||Array.isArray(aud)&&aud.
length===1&&aud[0]===url)return[];let said=typeof aud=="string"?aud:JSON.stringify(aud??"nothing");return[`The\
 token is for ${short(said)}. Ask the platform for one whose audience is exactly ${url}`]}function timeFaults({
exp,nbf,iat},now){let begins=Math.max(...[nbf,iat].map(time=>typeof time=="number"?time:0));return begins>now+
slack?[`The token begins ${Math.round(begins-now)} s from now by the broker's clock, which must be wrong.`]:typeof exp==
"number"&&exp<now-slack?[`The token ended ${Math.round(now-exp)} s ago by the broker's clock. Ask for a new on\
e; if it is new, that clock is wrong.`]:[]}function issuerOf({iss}){return typeof iss=="string"?short(iss):"wh\
ich it does not name"}function short(text2){return text2.length>200?`${text2.slice(0,199)}…`:text2}function claimsOf(token){
let[,payload,signature,...more]=token.split(".");if(!(payload===void 0||signature===void 0||more.length>0))try{
let bytes=Uint8Array.from(atob(payload.replaceAll("-","+").replaceAll("_","/")),letter=>letter.charCodeAt(0));
return jsonObject(new TextDecoder().decode(bytes))}catch{return}}async function exchange(request){if(request.target===void 0&&request.resource===void 0)throw new TypeError("Na\
me a target or a resource.");let secrets=[],compose=async()=>{let subjectToken=await request.subjectToken();return secrets.
push(subjectToken),formMessage({grant_type:"urn:ietf:params:oauth:grant-type:token-exchange",subject_token:subjectToken,
subject_token_type:"urn:ietf:params:oauth:token-type:id_token",audience:request.target,resource:request.resource,
scope:request.scope})},answer=await send(new URL(`${brokerUrl(request.url)}/token`),compose,request);if(answer.
status!==200)throw refusalOf(answer,secrets,()=>tokenFaults(secrets.at(-1)??"",brokerUrl(request.url),answer.at));
let credential=credentialOf(jsonObject(answer.text));if(credential===void 0)throw unexpectedAnswer(answer.status);
return credential}function credentialOf(members){if(members===void 0)return;let accessToken=text(members.access_token),
leaseId=text(members.lease_id),expiresIn=seconds(members.expires_in);if(!(accessToken===void 0||leaseId===void 0||
expiresIn===void 0))return{accessToken,leaseId,leaseToken:text(members.lease_token)??accessToken,expiresIn,expiresAt:seconds(
members.expires_at),issuedTokenType:text(members.issued_token_type)??"",tokenType:text(members.token_type)??"",
scope:text(members.scope),parts:partsOf(members.credential),...kindOf(members.target_kind),...grantsOf(members.
grants)}}function kindOf(value){let kind=text(value);return kind===void 0?{}:{kind}}function grantsOf(value){let names=Array.
isArray(value)?value.filter(name=>typeof name=="string"):[];return names.length===0?{}:{grants:names}}function partsOf(value){
if(isObject(value))return Object.fromEntries(Object.entries(value).map(([name,part])=>[name,typeof part=="stri\
ng"?part:JSON.stringify(part)]))}function text(value){return typeof value=="string"&&value!==""?value:void 0}function seconds(value){
return Number.isInteger(value)&&Number(value)>=0&&Number(value)<253402300800?Number(value):void 0}var shapes={aws_role:parts=>({variables:named(parts,{AWS_ACCESS_KEY_ID:"access_key_id",AWS_SECRET_ACCESS_KEY:"\
secret_access_key",AWS_SESSION_TOKEN:"session_token",AWS_REGION:"region",AWS_DEFAULT_REGION:"region"})}),gcp_service_account:parts=>({
variables:named(parts,{CLOUDSDK_AUTH_ACCESS_TOKEN:"access_token",GOOGLE_OAUTH_ACCESS_TOKEN:"access_token"})}),
azure:parts=>({variables:named(parts,{AZURE_ACCESS_TOKEN:"access_token"})}),github_app:(_,token)=>({variables:githubVariables(
token)}),postgres_role:parts=>({variables:named(parts,{PGHOST:"host",PGPORT:"port",PGUSER:"user",PGPASSWORD:"p\
assword",PGDATABASE:"database",DATABASE_URL:"url"})}),mysql_role:parts=>({variables:named(parts,{MYSQL_HOST:"h\
ost",MYSQL_TCP_PORT:"port",MYSQL_USER:"user",MYSQL_PWD:"password",MYSQL_DATABASE:"database",DATABASE_URL:"url"}),
files:[{name:"my.cnf",text:optionFile(parts),variable:"MAYFLY_MYSQL_CNF"}]}),redis_user:parts=>({variables:named(
parts,{REDIS_URL:"url",REDISCLI_AUTH:"password",REDIS_USER:"user"})}),kubernetes:parts=>({files:[{name:"kubeco\
nfig",text:kubeconfig(parts),variable:"KUBECONFIG"}]}),ssh:parts=>({files:[{name:"id",text:line(parts.private_key??
""),variable:"MAYFLY_SSH_KEY"},{name:"id-cert.pub",text:line(parts.certificate??"")}],paths:{GIT_SSH_COMMAND:'\
ssh -i "{id}" -o IdentitiesOnly=yes'}})};function npmForm(token,registry){let variables={NODE_AUTH_TOKEN:token};
if(registry===void 0)return{...empty,variables};let text2=`//${registry.host.replace(/\/+$/,"")}/:_authToken=\$\
{NODE_AUTH_TOKEN}
`;return{...empty,variables,files:[{name:"npmrc",text:text2,variable:"NPM_CONFIG_USERCONFIG"}]}}function dockerForm(token,{
host,user}){let auths={[host]:{auth:btoa(`${user}:${token}`)}};return{...empty,files:[{name:"config.json",text:`${JSON.
stringify({auths})}
`}],paths:{DOCKER_CONFIG:"{folder}"}}}var empty={variables:{},files:[],paths:{}};function formOf({kind,parts,accessToken}){
let shape=kind!==void 0&&Object.hasOwn(shapes,kind)?shapes[kind]:void 0;return shape===void 0?void 0:{...empty,
...shape(parts??{},accessToken)}}var shown=new Set(["host","port","database","region","expiration","principals",
"server","certificate_authority"]);function secretsOf(credential){let{accessToken,leaseToken,parts}=credential,
secret=Object.entries(parts??{}).filter(([name])=>!shown.has(name)),form=formOf(credential),encoded=Object.entries(
form?.variables??{}).filter(([name])=>name.startsWith("GIT_CONFIG_VALUE"));return[...new Set([accessToken,leaseToken,
...[...secret,...encoded].map(([,text2])=>text2)])]}function named(parts,names){return Object.fromEntries(Object.
entries(names).flatMap(([variable,part])=>{let value=parts[part];return value===void 0||value===""?[]:[[variable,
value]]}))}function githubVariables(token){return{GH_TOKEN:token,GITHUB_TOKEN:token,GIT_CONFIG_COUNT:"1",GIT_CONFIG_KEY_0:"\
http.https://github.com/.extraheader",GIT_CONFIG_VALUE_0:`AUTHORIZATION: basic ${btoa(`x-access-token:${token}`)}`}}
function optionFile(parts){return`[client]
${["host","port","user","password","database"].flatMap(name=>{let value=parts[name];return value===void 0?[]:[
`${name}="${value.replaceAll("\\","\\\\").replaceAll('"','\\"')}"`]}).filter(member=>!member.startsWith("datab\
ase=")).join(`
`)}
`}function kubeconfig(parts){let cluster={server:parts.server,...parts.certificate_authority===void 0?{}:{"cer\
tificate-authority-data":btoa(parts.certificate_authority)}};return`${JSON.stringify({apiVersion:"v1",kind:"Co\
nfig","current-context":"mayfly",clusters:[{name:"mayfly",cluster}],users:[{name:"mayfly",user:{token:parts.token}}],
contexts:[{name:"mayfly",context:{cluster:"mayfly",user:"mayfly"}}]})}
`}function line(text2){return text2.endsWith(`
`)?text2:`${text2}
`}var IdTokenUnavailable=class extends Error{name="IdTokenUnavailable"},missingPermission=`This job may not ask \
GitHub for an ID token. Add this to the job (or to the workflow):

permissions:
  id-token: write
  contents: read

A permission that is not listed there is taken away, so keep those that the job needs. In a reusable workflow \
the calling job needs it too; a pull request from a fork cannot have it.`;async function githubActionsToken(request){
let serviceUrl=request.env.ACTIONS_ID_TOKEN_REQUEST_URL,requestToken=request.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN;
if(!serviceUrl||!requestToken)throw new IdTokenUnavailable(missingPermission);let url=secureUrl(serviceUrl,"AC\
TIONS_ID_TOKEN_REQUEST_URL");url.searchParams.set("audience",brokerUrl(request.audience));let answer=await send(
url,async()=>({method:"GET",headers:{authorization:`Bearer ${requestToken}`,accept:"application/json","user-ag\
ent":"mayfly-client"}}),{...request,retry:request.retry??idTokenRetry}),value=answer.status===200?jsonObject(answer.
text)?.value:void 0;if(typeof value!="string"||value==="")throw new IdTokenUnavailable(`GitHub's token service\
 gave no ID token (status ${answer.status}).`);return value}async function revoke(request){let compose=async()=>formMessage({token:request.token}),answer=await send(new URL(
`${brokerUrl(request.url)}/revoke`),compose,request);if(answer.status!==200)throw refusalOf(answer,[request.token])}var unseen=/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;function printable(text2){return text2.replace(unseen," ").replaceAll(
"##[","# # [")}function html(text2){return text2.replace(unseen," ").replace(/[&<>"'`]/g,character=>`&#${character.
codePointAt(0)};`)}function mask(runner,secret){for(let line2 of secret.split(/[\r\n]+/))line2.trim()!==""&&runner.write(`::add-m\
ask::${escaped(line2)}
`)}function say(runner,text2){runner.write(`${printable(text2)}
`)}function fault(runner,title,text2){annotate(runner,"error",title,text2)}function annotate(runner,command,title,text2){
let lines=text2.split(`
`).map(printable).join(`
`),property=escaped(printable(title)).replaceAll(":","%3A").replaceAll(",","%2C");runner.write(`::${command} t\
itle=${property}::${escaped(lines)}
`)}function escaped(text2){return text2.replaceAll("%","%25").replaceAll("\r","%0D").replaceAll(`
`,"%0A")}function awsConfiguration(parts){let command=[parts.node,parts.script,parts.url,parts.target].map(word=>`"${word}\
"`).join(" ");return`[default]
${parts.region===void 0?"":`region = ${parts.region}
`}credential_process = ${command}
`}var InputFault=class extends Error{name="InputFault"};function readInputs(runner){let faults=[],attempt=(read,otherwise)=>{
try{return read()}catch(error){return faults.push(error instanceof Error?error.message:"An input is wrong."),otherwise}},
inputs={url:attempt(()=>urlOf(input(runner,"url")),""),targets:attempt(()=>targetsOf(input(runner,"target")),[]),
scope:words2(input(runner,"scope"),/[\s,]+/).join(" ")||void 0,exports:attempt(()=>exportsOf(input(runner,"exp\
ort")),[]),as:attempt(()=>toolOf(runner),void 0),refresh:attempt(()=>refreshOf(input(runner,"refresh")),!1)};if(faults.
length>0)throw new InputFault(faults.join(`
`));return inputs}function variableSuffix(target){return target.toUpperCase().replace(/[^A-Z0-9]+/g,"_")}function urlOf(text2){
if(text2==="")throw new InputFault("Input `url` is missing: the URL of your Mayfly broker.");return brokerUrl(
text2)}function targetsOf(text2){let targets=[...new Set(words2(text2,/[\r\n,]+/))];if(targets.length===0)throw new InputFault(
"Input `target` is missing: the name of a target in your policy.");let names=new Map;for(let target of targets){
let other=names.get(variableSuffix(target));if(other!==void 0)throw new InputFault(`The targets \`${other}\` an\
d \`${target}\` would have the same variable; use two steps.`);names.set(variableSuffix(target),target)}return targets}
function exportsOf(text2){let wanted=words2(text2,/[\s,]+/),known=wanted.filter(word=>word==="env"||word==="fi\
le"||word==="output");if(known.length!==wanted.length)throw new InputFault("Input `export` takes env, file and\
 output.");return known.length===0?["env"]:[...new Set(known)]}function refreshOf(text2){if(text2!==""&&text2!==
"true"&&text2!=="false")throw new InputFault("Input `refresh` takes true or false.");return text2==="true"}function toolOf(runner){
let[tool,registry,user]=["as","registry","username"].map(name=>input(runner,name)),host=(registry??"").replace(
/^https:\/\//,"").replace(/\/+$/,"");if(!/^[A-Za-z0-9./:_-]*$/.test(host))throw new InputFault("Input `registr\
y` is a host, such as registry.example.com");if(tool!==""){if(tool==="npm")return{is:"npm",registry:host===""?
void 0:{host}};if(tool!=="docker")throw new InputFault("Input `as` takes npm or docker.");if(host==="")throw new InputFault(
"Input `registry` is missing: the registry that docker signs in to.");return{is:"docker",registry:{host,user:user||
"mayfly"}}}}function input(runner,name){return(runner.env[`INPUT_${name.toUpperCase()}`]??"").trim()}function words2(text2,separator){
return text2.split(separator).map(word=>word.trim()).filter(word=>word!=="")}var NoRunner=class extends Error{name="NoRunner"};function requireRunnerFiles(runner){for(let name of["GITHUB_\
ENV","GITHUB_OUTPUT","GITHUB_STATE"])pathOf(runner,name)}function setEnvironment(runner,name,value){leave(runner,
"GITHUB_ENV",name,value)}function setOutput(runner,name,value){leave(runner,"GITHUB_OUTPUT",name,value)}function saveState(runner,name,value){
leave(runner,"GITHUB_STATE",name,value)}function summarize(runner,markdown){let path=runner.env.GITHUB_STEP_SUMMARY;
path&&runner.appendFile(path,`${markdown}
`)}function leave(runner,file,name,value){let delimiter=`mayfly_${runner.randomName()}`;runner.appendFile(pathOf(
runner,file),`${name}<<${delimiter}
${value}
${delimiter}
`)}function pathOf(runner,name){let path=runner.env[name];if(!path)throw new NoRunner(`${name} is not set. Thi\
s action runs in a GitHub Actions job only.`);return path}function saveHeld(runner,position,held){saveState(runner,`lease_${position}`,JSON.stringify(held))}function saveFolder(runner,path){
saveState(runner,"folder",path)}function deliver(runner,granted,{url,exports,as,refresh}){let forms=granted.map(each=>({...each,form:toolForm(
each.credential,as)??(refresh?refreshedForm(runner,url,each):void 0)??formOf(each.credential)})),isWritten=({form})=>form!==
void 0&&form.files.length>0,folder=exports.includes("file")||exports.includes("env")&&forms.some(isWritten)?createFolder(
runner):"",variables=[],outputs=[];for(let{target,credential,expiresAt,form}of forms){let add=(to,name,value)=>to.
push({target,name,value}),token={variable:"MAYFLY_TOKEN",output:"token"},isOne=credential.parts===void 0;if(exports.
includes("env")&&isOne&&add(variables,token.variable,credential.accessToken),exports.includes("output")){isOne&&
add(outputs,token.output,credential.accessToken);for(let[part,value]of Object.entries(credential.parts??{}))add(
outputs,slug(part),value)}if(exports.includes("file")){let path=`${folder}/${slug(variableSuffix(target))}`;runner.
createFile(path,isOne?credential.accessToken:`${JSON.stringify(credential.parts)}
`),add(variables,"MAYFLY_FILE",path),add(outputs,"file",path)}if(form!==void 0&&exports.includes("env")){let made=writeForm(
runner,`${folder}/${slug(variableSuffix(target))}.d`,form);for(let[name,value]of Object.entries(made))add(variables,
name,value)}add(outputs,"expires-at",expiresAt),add(outputs,"lease-id",credential.leaseId)}leave2(variables,granted.
length,(name,value)=>setEnvironment(runner,name,value),"_",variableSuffix),leave2(outputs,granted.length,(name,value)=>setOutput(
runner,name,value),"-",target=>slug(variableSuffix(target)))}function leave2(all,targets,set,between,ending){for(let{
target,name,value}of all){let ours=between==="-"||name.startsWith("MAYFLY_"),shared=ours?targets>1:all.some(each=>each.
name===name&&each.target!==target);shared||set(name,value),(shared||ours)&&set(`${name}${between}${ending(target)}`,
value)}}function refreshedForm(runner,url,{target,credential}){if(credential.kind!=="aws_role")return;let region=credential.
parts?.region,script=runner.scriptPath("aws.js"),text2=awsConfiguration({node:runner.node,script,url,target,region});
return{variables:region===void 0?{}:{AWS_REGION:region,AWS_DEFAULT_REGION:region},files:[{name:"aws-config",text:text2,
variable:"AWS_CONFIG_FILE"}],paths:{}}}function toolForm(credential,as){if(as===void 0||credential.parts!==void 0)
return;let{accessToken}=credential;return as.is==="npm"?npmForm(accessToken,as.registry):dockerForm(accessToken,
as.registry)}function writeForm(runner,folder,form){form.files.length>0&&runner.createFolder(folder);let paths=new Map(
[["folder",folder]]),made={...form.variables};for(let{name,text:text2,variable}of form.files){let path=`${folder}\
/${name}`;runner.createFile(path,text2),paths.set(name,path),variable!==void 0&&(made[variable]=path)}for(let[
variable,template]of Object.entries(form.paths))made[variable]=template.replaceAll(/\{([^{}]+)\}/g,(all,name)=>paths.
get(name)??all);return made}function createFolder(runner){let parent=runner.env.RUNNER_TEMP;if(!parent)throw new NoRunner(
"RUNNER_TEMP is not set. This action runs in a GitHub Actions job only.");let folder=`${parent}/mayfly-${runner.
randomName()}`;return saveFolder(runner,folder),runner.createFolder(folder),folder}function slug(suffix){return suffix.
toLowerCase().replaceAll("_","-")}function grantedSummary(granted){let rows=granted.map(({target,credential,expiresAt})=>[code(target),code((credential.
grants??[]).join(", ")),code(credential.scope??""),code(expiresAt),code(credential.leaseId)]);return["<h3>Mayf\
ly: granted for this job</h3>",table(["Target","Grant","Scope","Valid until","Lease"],rows),"<p>The post step \
of the job revokes it.</p>"].join(`
`)}function refusedSummary(refused){return refused.flatMap(({target,refusal})=>refusedLines(target,refusal)).join(
`
`)}function failedSummary(text2){return`<h3>Mayfly: no credential</h3>

<pre>${text2.split(`
`).map(html).join(`
`)}</pre>`}function refusalText(refusal){let lines=[refusal.answered,summaryOf(refusal),...refusal.advice].map(
oneLine);for(let{grant,failing}of refusal.explanation?.grants??[])for(let condition of failing)lines.push(oneLine(
`- ${grant}: ${conditionText(condition)}`));return lines.filter(line2=>line2!=="").join(`
`)}function summaryOf({explanation}){if(explanation===void 0)return"";let{summary,grants}=explanation,[nearest]=grants;
return nearest!==void 0&&summary.startsWith(`${nearest.grant}: `)&&nearest.failing.every(({claim,needed})=>summary.
includes(claim)&&summary.includes(needed))?"":summary}function refusedLines(target,refusal){let rows=(refusal.
explanation?.grants??[]).flatMap(({grant,failing})=>failing.map(({claim,got,needed,hint})=>[code(grant),code(claim),
code(got),code(needed),html(hint??"")])),summary=summaryOf(refusal);return[`<h3>Mayfly refused ${code(target)}\
</h3>`,`<p>${html(refusal.answered)}</p>`,...[summary,...refusal.advice].flatMap(text2=>text2===""?[]:[`<p>${html(
text2)}</p>`]),...rows.length===0?[]:[table(["Grant","Condition","The token had","Needed","What to change"],rows)]]}
function conditionText({claim,got,needed,hint}){return`${claim} is ${got}, needs ${needed}${hint===void 0?"":`\
. ${hint}`}`}function table(heads,rows){let row=(cells,tag)=>`<tr>${cells.map(cell=>`<${tag}>${cell}</${tag}>`).
join("")}</tr>`;return["<table>",row(heads,"th"),...rows.map(cells=>row(cells,"td")),"</table>"].join(`
`)}function code(text2){return text2===""?"":`<code>${html(text2)}</code>`}function oneLine(text2){return text2.
replace(/[\r\n]+/g," ").trim()}async function acquire(runner){try{let inputs=readInputs(runner);requireRunnerFiles(runner);let{granted,refused}=await askForEach(
runner,inputs);if(refused.length>0)return tellRefused(runner,granted,refused);deliver(runner,granted,inputs);for(let{
target,credential,expiresAt}of granted)say(runner,`Mayfly granted ${target} until ${expiresAt} (lease ${credential.
leaseId}).`);return summarize(runner,grantedSummary(granted)),!0}catch(error){let text2=error instanceof Error?
error.message:"Something unexpected was thrown.";return fault(runner,"Mayfly",text2),summarize(runner,failedSummary(
text2)),!1}}async function askForEach(runner,inputs){let granted=[],refused=[];for(let target of inputs.targets)
try{let credential=await ask(runner,inputs,target);await hold(runner,inputs.url,target,credential,granted.length);
let end=credential.expiresAt??runner.now()+credential.expiresIn;granted.push({target,credential,expiresAt:new Date(
end*1e3).toISOString().replace(".000Z","Z")})}catch(error){if(!(error instanceof MayflyRefused)||!isPolicys(error))
throw error;refused.push({target,refusal:error})}return{granted,refused}}function isPolicys({status,error}){return status!==
429&&status<500&&error!=="unexpected_answer"}async function ask(runner,inputs,target){let{env,transport}=runner,
subjectToken=async()=>{let token=await githubActionsToken({audience:inputs.url,env,transport});return mask(runner,
token),token},scope=inputs.scope===void 0?{}:{scope:inputs.scope},credential=await exchange({url:inputs.url,target,
subjectToken,transport,...scope});for(let secret of secretsOf(credential))mask(runner,secret);return credential}
async function hold(runner,url,target,credential,position){let token=credential.leaseToken;try{saveHeld(runner,
position,{url,target,leaseId:credential.leaseId,token})}catch(error){throw await revoke({url,token,transport:runner.
transport}),error}}function tellRefused(runner,granted,refused){for(let each of refused)fault(runner,`Mayfly r\
efused ${each.target}`,refusalText(each.refusal));if(granted.length>0){let names=granted.map(each=>each.target).
join(", ");say(runner,`Nothing was exported. The post step revokes what was granted: ${names}.`)}return summarize(
runner,refusedSummary(refused)),!1}import{randomBytes}from"node:crypto";import{appendFileSync,mkdirSync,rmSync,writeFileSync}from"node:fs";import{
dirname,join}from"node:path";var nodeTransport=(url,{method,headers,body,signal})=>{let{request,Agent}=process.getBuiltinModule(url.startsWith(
"https:")?"node:https":"node:http"),agent=["HTTPS_PROXY","HTTP_PROXY"].some(name=>process.env[name]??process.env[name.
toLowerCase()])?{agent:new Agent({proxyEnv:process.env})}:{};return new Promise((resolve,reject)=>{let outgoing=request(
url,{method,headers,...agent,...signal===void 0?{}:{signal}},incoming=>{let text2="";incoming.setEncoding("utf\
8"),incoming.on("data",chunk=>{text2+=chunk,text2.length>1048576&&incoming.destroy(new Error("The answer is to\
o long."))}),incoming.on("error",reject),incoming.on("end",()=>resolve({status:incoming.statusCode??0,headers:{
get:name=>[incoming.headers[name.toLowerCase()]].flat().join(", ")||null},text:async()=>text2}))});outgoing.on(
"error",reject),outgoing.end(body)})};var nodeRunner={env:process.env,write:text2=>{process.stdout.write(text2)},appendFile:(path,text2)=>appendFileSync(
path,text2),createFile:(path,text2)=>writeFileSync(path,text2,{mode:384,flag:"wx"}),createFolder:path=>{mkdirSync(
path,{mode:448})},removeFolder:path=>rmSync(path,{recursive:!0,force:!0}),randomName:()=>randomBytes(16).toString(
"hex"),now:()=>Math.floor(Date.now()/1e3),transport:nodeTransport,node:process.execPath,scriptPath:name=>join(
dirname(process.argv[1]??""),name)};for(let signal of["SIGINT","SIGTERM"])process.on(signal,()=>{});await acquire(nodeRunner)||(process.exitCode=1);
