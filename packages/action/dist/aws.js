function brokerUrl(text2){let url2=secureUrl(text2,"The broker URL");if(url2.search!==""||url2.hash!=="")throw new TypeError(
"The broker URL has a query or a fragment.");return`${url2.origin}${url2.pathname}`.replace(/\/+$/,"")}function secureUrl(text2,what){
let url2=URL.parse(text2);if(url2===null)throw new TypeError(`${what} is not a URL.`);if(url2.username!==""||url2.
password!=="")throw new TypeError(`${what} holds a user or a password; leave them out.`);if(url2.protocol!=="h\
ttps:"&&!(url2.protocol==="http:"&&isLoopback(url2.hostname)))throw new TypeError(`${what} must begin with htt\
ps:// (http:// works for loopback only).`);return url2}function isLoopback(hostname){return hostname==="localh\
ost"||hostname==="[::1]"||/^127\.\d+\.\d+\.\d+$/.test(hostname)}function jsonObject(text2){try{let value=JSON.parse(text2);return isObject(value)?value:void 0}catch{return}}function isObject(value){
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
resolve()},ms);signal?.aborted?aborted():signal?.addEventListener("abort",aborted,{once:!0})})}var fetchTransport=(url2,request)=>fetch(url2,request);var MayflyUnreachable=class extends Error{name="MayflyUnreachable";origin;code;tries;constructor(origin,code,tries){
super(`${origin} cannot be reached (${code}; ${tries} ${tries===1?"try":"tries"}).`),this.origin=origin,this.code=
code,this.tries=tries}};function networkErrorCode(error){for(let each of[error,error instanceof Error?error.cause:
void 0])if(!(typeof each!="object"||each===null)){if("name"in each&&each.name==="TimeoutError")return"timeout";
if("code"in each&&typeof each.code=="string"&&/^[A-Z][A-Z0-9_]{2,60}$/.test(each.code))return each.code}return"\
unknown"}async function send(url2,compose,sending){let retry=sending.retry??brokerRetry;for(let tries=1;;tries++){let outcome=await once(
url2,await compose(),sending,retry.tryMs);if(sending.signal?.throwIfAborted(),"answer"in outcome&&!isPassing(outcome.
answer.status))return outcome.answer;let scheduled=retry.waitsMs[tries-1],asked="answer"in outcome?outcome.retryAfterMs:
void 0,waitMs=scheduled===void 0?void 0:asked??jittered(scheduled,retry.random);if(waitMs===void 0||waitMs>retry.
longestWaitMs){if("answer"in outcome)return outcome.answer;throw new MayflyUnreachable(url2.origin,outcome.code,
tries)}await retry.wait(waitMs,sending.signal)}}async function once(url2,message,sending,tryMs){let timeout=AbortSignal.
timeout(tryMs),signal=sending.signal===void 0?timeout:AbortSignal.any([sending.signal,timeout]);try{let answer=await(sending.
transport??fetchTransport)(url2.href,{...message,signal,redirect:"manual"});return{answer:{status:answer.status,
text:await answer.text(),...clockOf(answer.headers.get("date"))},retryAfterMs:retryAfterMs(answer.headers.get(
"retry-after"))}}catch(error){return{code:timeout.aborted?"timeout":networkErrorCode(error)}}}function clockOf(date){
let at=Date.parse(date??"")/1e3;return Number.isNaN(at)?{}:{at}}function isPassing(status){return status===429||
status>=500&&status<=599}function formMessage(members){let form=new URLSearchParams;for(let[name,value]of Object.
entries(members))value!==void 0&&form.set(name,value);return{method:"POST",headers:{"content-type":"applicatio\
n/x-www-form-urlencoded",accept:"application/json"},body:form.toString()}}var slack=60;function tokenFaults(token,url2,nowSeconds){let faults=brokenTokenFaults(token,url2,nowSeconds);return faults.
length>0?faults:[leftOver(claimsOf(token)??{})]}function brokenTokenFaults(token,url2,nowSeconds){let claims=claimsOf(
token);if(claims===void 0)return["What was sent is no identity token (a JWT of three parts)."];let times=nowSeconds===
void 0?[]:timeFaults(claims,nowSeconds);return[...audienceFaults(claims,url2),...times]}function leftOver(claims){
return`Nothing is plainly wrong with the token. Each can be used once: ask the platform for a new one for each\
 exchange. Otherwise the broker does not trust its issuer, ${issuerOf(claims)}, or its job has ended; the oper\
ator finds the reason by the error id.`}function audienceFaults({aud},url2){if(aud===url2||Array.isArray(aud)&&
aud.length===1&&aud[0]===url2)return[];let said=typeof aud=="string"?aud:JSON.stringify(aud??"nothing");return[
`The token is for ${short(said)}. Ask the platform for one whose audience is exactly ${url2}`]}function timeFaults({
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
return Number.isInteger(value)&&Number(value)>=0&&Number(value)<253402300800?Number(value):void 0}var IdTokenUnavailable=class extends Error{name="IdTokenUnavailable"},missingPermission=`This job may not ask \
GitHub for an ID token. Add this to the job (or to the workflow):

permissions:
  id-token: write
  contents: read

A permission that is not listed there is taken away, so keep those that the job needs. In a reusable workflow \
the calling job needs it too; a pull request from a fork cannot have it.`;async function githubActionsToken(request){
let serviceUrl=request.env.ACTIONS_ID_TOKEN_REQUEST_URL,requestToken=request.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN;
if(!serviceUrl||!requestToken)throw new IdTokenUnavailable(missingPermission);let url2=secureUrl(serviceUrl,"A\
CTIONS_ID_TOKEN_REQUEST_URL");url2.searchParams.set("audience",brokerUrl(request.audience));let answer=await send(
url2,async()=>({method:"GET",headers:{authorization:`Bearer ${requestToken}`,accept:"application/json","user-a\
gent":"mayfly-client"}}),{...request,retry:request.retry??idTokenRetry}),value=answer.status===200?jsonObject(
answer.text)?.value:void 0;if(typeof value!="string"||value==="")throw new IdTokenUnavailable(`GitHub's token \
service gave no ID token (status ${answer.status}).`);return value}async function awsCredentials({url:url2,target:target2,env,transport}){let subjectToken=()=>githubActionsToken(
{audience:url2,env,transport}),{kind,parts}=await exchange({url:url2,target:target2,subjectToken,transport});if(parts===
void 0||kind!=="aws_role")throw new Error(`The target \`${target2}\` gives no keys of AWS.`);return`${JSON.stringify(
{Version:1,AccessKeyId:parts.access_key_id,SecretAccessKey:parts.secret_access_key,SessionToken:parts.session_token,
Expiration:parts.expiration})}
`}var nodeTransport=(url2,{method,headers,body,signal})=>{let{request,Agent}=process.getBuiltinModule(url2.startsWith(
"https:")?"node:https":"node:http"),agent=["HTTPS_PROXY","HTTP_PROXY"].some(name=>process.env[name]??process.env[name.
toLowerCase()])?{agent:new Agent({proxyEnv:process.env})}:{};return new Promise((resolve,reject)=>{let outgoing=request(
url2,{method,headers,...agent,...signal===void 0?{}:{signal}},incoming=>{let text2="";incoming.setEncoding("ut\
f8"),incoming.on("data",chunk=>{text2+=chunk,text2.length>1048576&&incoming.destroy(new Error("The answer is t\
oo long."))}),incoming.on("error",reject),incoming.on("end",()=>resolve({status:incoming.statusCode??0,headers:{
get:name=>[incoming.headers[name.toLowerCase()]].flat().join(", ")||null},text:async()=>text2}))});outgoing.on(
"error",reject),outgoing.end(body)})};var[url="",target=""]=process.argv.slice(2);try{process.stdout.write(await awsCredentials({url,target,env:process.
env,transport:nodeTransport}))}catch(error){process.stderr.write(`Mayfly: ${error instanceof Error?error.message:
"Something unexpected was thrown."}
`),process.exitCode=1}
