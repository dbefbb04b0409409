import{randomBytes}from"node:crypto";import{appendFileSync,mkdirSync,rmSync,writeFileSync}from"node:fs";import{
dirname,join}from"node:path";var nodeTransport=(url,{method,headers,body,signal})=>{let{request,Agent}=process.getBuiltinModule(url.startsWith(
"https:")?"node:https":"node:http"),agent=["HTTPS_PROXY","HTTP_PROXY"].some(name=>process.env[name]??process.env[name.
toLowerCase()])?{agent:new Agent({proxyEnv:process.env})}:{};return new Promise((resolve,reject)=>{let outgoing=request(
url,{method,headers,...agent,...signal===void 0?{}:{signal}},incoming=>{let text="";incoming.setEncoding("utf8"),
incoming.on("data",chunk=>{text+=chunk,text.length>1048576&&incoming.destroy(new Error("The answer is too long\
."))}),incoming.on("error",reject),incoming.on("end",()=>resolve({status:incoming.statusCode??0,headers:{get:name=>[
incoming.headers[name.toLowerCase()]].flat().join(", ")||null},text:async()=>text}))});outgoing.on("error",reject),
outgoing.end(body)})};var nodeRunner={env:process.env,write:text=>{process.stdout.write(text)},appendFile:(path,text)=>appendFileSync(
path,text),createFile:(path,text)=>writeFileSync(path,text,{mode:384,flag:"wx"}),createFolder:path=>{mkdirSync(
path,{mode:448})},removeFolder:path=>rmSync(path,{recursive:!0,force:!0}),randomName:()=>randomBytes(16).toString(
"hex"),now:()=>Math.floor(Date.now()/1e3),transport:nodeTransport,node:process.execPath,scriptPath:name=>join(
dirname(process.argv[1]??""),name)};function brokerUrl(text){let url=secureUrl(text,"The broker URL");if(url.search!==""||url.hash!=="")throw new TypeError(
"The broker URL has a query or a fragment.");return`${url.origin}${url.pathname}`.replace(/\/+$/,"")}function secureUrl(text,what){
let url=URL.parse(text);if(url===null)throw new TypeError(`${what} is not a URL.`);if(url.username!==""||url.password!==
"")throw new TypeError(`${what} holds a user or a password; leave them out.`);if(url.protocol!=="https:"&&!(url.
protocol==="http:"&&isLoopback(url.hostname)))throw new TypeError(`${what} must begin with https:// (http:// w\
orks for loopback only).`);return url}function isLoopback(hostname){return hostname==="localhost"||hostname===
"[::1]"||/^127\.\d+\.\d+\.\d+$/.test(hostname)}function jsonObject(text){try{let value=JSON.parse(text);return isObject(value)?value:void 0}catch{return}}function isObject(value){
return typeof value=="object"&&value!==null&&!Array.isArray(value)}var MayflyRefused=class extends Error{name="MayflyRefused";error;status;description;explanation;errorId;advice;answered;constructor(parts){
let answered=answeredOf(parts);super(`${parts.status>=500?"Mayfly failed":"Mayfly refused"}: ${answered}`),this.
answered=answered,this.error=parts.error,this.status=parts.status,this.description=parts.description,this.explanation=
parts.explanation,this.errorId=parts.errorId,this.advice=parts.advice??[]}};function answeredOf({error,status,
description,errorId}){let id=errorId===void 0?"":` (error id ${errorId})`;return`${error}, status ${status}. ${description}${id}`}
var errorPattern=/^[\w.:-]{1,100}$/;function refusalOf(answer,secrets,advise=()=>[]){let text=secrets.reduce((rest,secret)=>secret===
""?rest:rest.replaceAll(secret,"***"),answer.text),members=jsonObject(text),error=members?.error;return members===
void 0||typeof error!="string"||!errorPattern.test(error)?unexpectedAnswer(answer.status):new MayflyRefused({error,
status:answer.status,description:words(members.error_description)??"No description was given.",explanation:explanationOf(
members.explanation),errorId:words(members.error_id),advice:isTokens(error,members.error_description)?advise():
[]})}function isTokens(error,description){return error==="invalid_request"&&description==="The token was not a\
ccepted."}function unexpectedAnswer(status){return new MayflyRefused({error:"unexpected_answer",status,description:"\
The answer is not one that a Mayfly broker gives; is the URL right?"})}function explanationOf(value){if(!isObject(
value))return;let grants=list(value.grants).map(grant=>({grant:words(grant.grant)??"unnamed",failing:list(grant.
failing).map(conditionOf)}));return{summary:words(value.summary)??"",grants}}function conditionOf(value){let hint=words(
value.hint);return{claim:words(value.claim)??"unnamed",got:words(value.got)??"nothing",needed:words(value.needed)??
"nothing",...hint===void 0?{}:{hint}}}function list(value){return Array.isArray(value)?value.filter(isObject).
slice(0,20):[]}function words(value){if(value==null)return;let text=typeof value=="string"?value:JSON.stringify(
value);return text.length>500?`${text.slice(0,499)}…`:text}var brokerRetry={waitsMs:[500,1e3,2e3],longestWaitMs:3e4,tryMs:1e4,wait,random:()=>(crypto.getRandomValues(new Uint32Array(
1))[0]??0)/4294967296},idTokenRetry={...brokerRetry,waitsMs:[50,100,200,400,800,1600,3e3,3e3,3e3]};function jittered(ms,random){
return Math.round(ms*(.5+random()/2))}function retryAfterMs(value){return value!==null&&/^\d{1,6}$/.test(value.
trim())?Number(value)*1e3:void 0}function wait(ms,signal){return new Promise((resolve,reject)=>{let aborted=()=>{
clearTimeout(timer),reject(signal?.reason)},timer=setTimeout(()=>{signal?.removeEventListener("abort",aborted),
resolve()},ms);signal?.aborted?aborted():signal?.addEventListener("abort",aborted,{once:!0})})}var fetchTransport=(url,request)=>fetch(url,request);var MayflyUnreachable=class extends Error{name="MayflyUnreachable";origin;code;tries;constructor(origin,code,tries){
super(`${origin} cannot be reached (${code}; ${tries} ${tries===1?"try":"tries"}).`),this.origin=origin,this.code=
code,this.tries=tries}};function networkErrorCode(error){for(let each of[error,error instanceof Error?error.cause:
void 0])if(!(typeof each!="object"||each===null)){if("name"in each&&each.name==="TimeoutError")return"timeout";
if("code"in each&&typeof each.code=="string"&&/^[A-Z][A-Z0-9_]{2,60}$/.test(each.code))return each.code}return"\
unknown"}async function send(url,compose,sending){let retry=sending.retry??brokerRetry;for(let tries=1;;tries++){let outcome=await once(
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
n/x-www-form-urlencoded",accept:"application/json"},body:form.toString()}}async function revoke(request){let compose=async()=>formMessage({token:request.token}),answer=await send(new URL(
`${brokerUrl(request.url)}/revoke`),compose,request);if(answer.status!==200)throw refusalOf(answer,[request.token])}var unseen=/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;function printable(text){return text.replace(unseen," ").replaceAll(
"##[","# # [")}function mask(runner,secret){for(let line of secret.split(/[\r\n]+/))line.trim()!==""&&runner.write(`::add-mas\
k::${escaped(line)}
`)}function say(runner,text){runner.write(`${printable(text)}
`)}function warn(runner,title,text){annotate(runner,"warning",title,text)}function annotate(runner,command,title,text){let lines=text.split(`
`).map(printable).join(`
`),property=escaped(printable(title)).replaceAll(":","%3A").replaceAll(",","%2C");runner.write(`::${command} t\
itle=${property}::${escaped(lines)}
`)}function escaped(text){return text.replaceAll("%","%25").replaceAll("\r","%0D").replaceAll(`
`,"%0A")}function readHeld(env){let held=[];for(let position=0;;position++){let text=env[`STATE_lease_${position}`];if(!text)
return held;let{url,target,leaseId,token}=jsonObject(text)??{};isText(url)&&isText(target)&&isText(leaseId)&&isText(
token)&&held.push({url,target,leaseId,token})}}function readFolder(env){let path=env.STATE_folder;return path!==
void 0&&/[\\/]mayfly-[0-9a-f]{32}$/.test(path)?path:void 0}function isText(value){return typeof value=="string"&&
value!==""}async function release(runner){let held=readHeld(runner.env);for(let{token}of held)mask(runner,token);removeFiles(
runner);let outcomes=await Promise.all(held.map(each=>giveBack(runner,each)));for(let[position,{target,leaseId}]of held.
entries()){let reason=outcomes[position];reason===void 0?say(runner,`Mayfly revoked ${target} (lease ${leaseId}\
).`):warn(runner,`Mayfly could not revoke ${target}`,`Lease ${leaseId}: ${reason} The broker ends it by itself\
 when the job or the lease ends.`)}held.length===0&&say(runner,"Mayfly has nothing to revoke: no credential wa\
s granted in this step.")}async function giveBack(runner,held){try{await revoke({url:held.url,token:held.token,
transport:runner.transport});return}catch(error){return error instanceof Error?error.message:"Something unexpe\
cted was thrown."}}function removeFiles(runner){let folder=readFolder(runner.env);if(folder!==void 0)try{runner.
removeFolder(folder)}catch{warn(runner,"Mayfly could not remove its files",folder)}}await release(nodeRunner);
