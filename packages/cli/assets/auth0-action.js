var import_node_crypto4=require("node:crypto");var anyLetter=new Uint8Array(96).fill(1),letterOf=unit=>unit>=32&&unit<127?unit-32:95;function lettersIn(text2){
let set=new Uint8Array(96);for(let at=0;at<text2.length;at++)set[letterOf(text2.charCodeAt(at))]=1;return set}
function lettersExcept(text2){return lettersIn(text2).map(bit=>1-bit)}function accepts(automaton,word2){let{columns,
width,next,accepting}=automaton,state=0;for(let at=0;at<word2.length;at++)state=next[state*width+(columns[letterOf(
word2.charCodeAt(at))]??0)]??0;return accepting[state]===1}function isEmpty(automaton){return!automaton.accepting.
includes(1)}function sequence(steps){let{columns,samples}=classes(96,steps.map(step=>step.letters)),close=positions=>{
let closed=new Set;for(let position of positions){let at=position;for(closed.add(at);steps[at]?.repeated===!0;)
closed.add(++at)}return[...closed].sort((a,b)=>a-b)},move=(positions,letter)=>close(positions.filter(at=>steps[at]?.
letters[letter]===1).map(at=>steps[at]?.repeated?at:at+1));return minimal(explore(close([0]),String,columns,samples,
(positions,letter)=>move(positions,letter),positions=>positions.includes(steps.length)))}var memory={and:new WeakMap,
or:new WeakMap,without:new WeakMap};function combine(how,a,b){let known=memory[how].get(a)?.get(b);if(known!==
void 0)return known;let made2=combined(how,a,b),row=memory[how].get(a)??new WeakMap;return memory[how].set(a,row.
set(b,made2)),made2}var made=0;function combined(how,a,b){made++;let{columns,samples}=classes(96,[a.columns,b.columns]),step=(automaton,state,letter)=>automaton.
next[state*automaton.width+(automaton.columns[letter]??0)]??0;return minimal(explore([0,0],([left,right])=>`${left}\
,${right}`,columns,samples,([left,right],letter)=>[step(a,left,letter),step(b,right,letter)],([left,right])=>{
let inA=a.accepting[left]===1,inB=b.accepting[right]===1;return how==="or"?inA||inB:how==="and"?inA&&inB:inA&&
!inB}))}var MOST_STATES=5e3,TooLarge=class extends RangeError{name="TooLarge"};function explore(start,key,columns,samples,move,accepting){
let numbers=new Map([[key(start),0]]),states=[start],next=[];for(let state of states)for(let letter of samples){
let following=move(state,letter),name2=key(following),number=numbers.get(name2);if(number===void 0){if(number=
states.push(following)-1,number>=MOST_STATES)throw new TooLarge(`more than ${MOST_STATES} states`);numbers.set(
name2,number)}next.push(number)}return{columns,width:samples.length,next,accepting:states.map(accepting)}}function classes(count,rows){
let{group,names}=grouped(count,rows.map(row=>member=>row[member]??0)),samples=Array.from({length:names},(_,name2)=>group.
indexOf(name2));return{columns:Uint8Array.from(group),samples}}function grouped(count,rows){let group=new Array(
count).fill(0),names=Math.min(count,1);for(let row of rows){let known=new Map;for(let member=0;member<count;member++){
let pair=(group[member]??0)*1048576+row(member)+1,name2=known.get(pair);name2===void 0&&(name2=known.size,known.
set(pair,name2)),group[member]=name2}names=known.size}return{group,names}}function minimal(raw){let{width,next}=raw,
count=raw.accepting.length,group=distances(raw);for(let groups=0;;){let current=group,columns=Array.from({length:width},
(_,column)=>state=>current[next[state*width+column]??0]??0),refined=grouped(count,[state=>current[state]??0,...columns]);
if(group=refined.group,refined.names===groups)break;groups=refined.names}let members2=[];for(let state=0;state<
count;state++)members2[group[state]??0]??=state;let moves=Array.from({length:width},(_,column)=>members2.map(state=>group[next[state*
width+column]??0]??0)),merged=classes(width,transpose(moves));return{columns:raw.columns.map(column=>merged.columns[column]??
0),width:merged.samples.length,next:Uint32Array.from(members2.flatMap((_,state)=>merged.samples.map(column=>moves[column]?.[state]??
0))),accepting:Uint8Array.from(members2,state=>raw.accepting[state]?1:0)}}function distances({width,next,accepting}){
let before=accepting.map(()=>[]);for(let edge=0;edge<next.length;edge++)before[next[edge]??0]?.push(Math.floor(
edge/width));let distance=accepting.map(accepts2=>accepts2?0:-1),reached=[...distance.keys()].filter(state=>distance[state]===
0);for(let state of reached)for(let earlier of before[state]??[])distance[earlier]===-1&&(distance[earlier]=(distance[state]??
0)+1,reached.push(earlier));return distance}function transpose(rows){return(rows[0]??[]).map((_,at)=>rows.map(
row=>row[at]??0))}var preferred="abcdefghijklmnopqrstuvwxyz0123456789-_./ABCDEFGHIJKLMNOPQRSTUVWXYZ";function forcedPrefix(automaton){let{width,next,accepting}=automaton,letters=lettersByColumn(automaton),alive=aliveStates(
automaton),prefix="";for(let state=0;accepting[state]!==1;){let columns=Array.from({length:width},(_,column)=>column).
filter(column=>alive[next[state*width+column]??0]===1),[only2,second]=columns.flatMap(column=>letters[column]??
[]);if(only2===void 0||second!==void 0||only2==="é")return prefix;prefix+=only2,state=next[state*width+(columns[0]??
0)]??0}return prefix}function aliveStates({width,next,accepting}){let alive=Uint8Array.from(accepting);for(let grown=!0;grown;){
grown=!1;for(let state=0;state<alive.length;state++)if(alive[state]!==1){for(let column=0;column<width;column++)
if(alive[next[state*width+column]??0]===1){alive[state]=1,grown=!0;break}}}return alive}function lettersByColumn(automaton){let rows=Array.from({length:automaton.width},()=>[]);automaton.columns.forEach(
(column,letter)=>{rows[column]?.push(letter===automaton.columns.length-1?"é":String.fromCharCode(32+letter))});
let rank=letter=>(preferred.indexOf(letter)+preferred.length+1)%(preferred.length+1);for(let row of rows)row.sort(
(a,b)=>rank(a)-rank(b));return rows}var noWords=new Set,emptyAutomaton=sequence([{letters:new Uint8Array(anyLetter.length),repeated:!1}]),fullAutomaton=sequence(
[{letters:anyLetter,repeated:!0}]),nothing={automaton:emptyAutomaton,minus:noWords,plus:noWords,missing:!1},onlyMissing={
...nothing,missing:!0},anyText={...nothing,automaton:fullAutomaton},everything={...anyText,missing:!0};function literals(values){
return{...nothing,plus:new Set(values)}}function fromAutomaton(automaton){return{...nothing,automaton:isEmpty(
automaton)?emptyAutomaton:automaton}}function withMissing(lang,missing){return{...lang,missing}}function has(lang,value){
if(value===void 0)return lang.missing;let{automaton,minus,plus}=lang;return plus.size>0&&plus.has(value)?!0:automaton===
emptyAutomaton?!1:(automaton===fullAutomaton||accepts(automaton,value))&&(minus.size===0||!minus.has(value))}var prefixes=new WeakMap;
function prefixOf(automaton){let prefix=prefixes.get(automaton);return prefix===void 0&&(prefix=forcedPrefix(automaton),
prefixes.set(automaton,prefix)),prefix}function beginApart(a,b){return!a.startsWith(b)&&!b.startsWith(a)}function combineAutomata(how,a,b){
if(a===emptyAutomaton)return how==="or"?b:a;if(b===emptyAutomaton)return how==="and"?b:a;if(a===b)return how===
"without"?emptyAutomaton:a;if(how!=="or"&&beginApart(prefixOf(a),prefixOf(b)))return how==="and"?emptyAutomaton:
a;let made2=combine(how,a,b);return isEmpty(made2)?emptyAutomaton:made2}function pick(...parts2){let picked=new Set;
for(let[words2,wanted]of parts2)for(let word2 of words2)wanted(word2)&&picked.add(word2);return picked.size===
0?noWords:picked}function inter(a,b){return{automaton:combineAutomata("and",a.automaton,b.automaton),minus:pick(
[a.minus,word2=>accepts(b.automaton,word2)],[b.minus,word2=>accepts(a.automaton,word2)]),plus:pick([a.plus,word2=>has(
b,word2)],[b.plus,word2=>has(a,word2)]),missing:a.missing&&b.missing}}function diff(a,b){let automaton=combineAutomata(
"without",a.automaton,b.automaton),inside=word2=>accepts(automaton,word2);return{automaton,minus:pick([a.minus,
inside],[b.plus,inside]),plus:pick([a.plus,word2=>!has(b,word2)],[b.minus,word2=>!a.plus.has(word2)&&has(a,word2)]),
missing:a.missing&&!b.missing}}function union(a,b){let automaton=combineAutomata("or",a.automaton,b.automaton),
outside=word2=>!accepts(automaton,word2);return{automaton,minus:pick([a.minus,word2=>!has(b,word2)],[b.minus,word2=>!has(
a,word2)]),plus:pick([a.plus,outside],[b.plus,outside]),missing:a.missing||b.missing}}function listed(lang){return lang.missing||lang.automaton!==emptyAutomaton?void 0:lang.plus}function commonPrefix({
automaton,plus}){if(automaton===emptyAutomaton&&plus.size===0)return"";let shared=automaton===emptyAutomaton?void 0:
prefixOf(automaton);return[...plus].reduce((common,word2)=>sharedStart(common??word2,word2),shared)??""}function sharedStart(a,b){
let length=0;for(;length<a.length&&a[length]===b[length];)length++;return a.slice(0,length)}var FEW=8,MOST_VALUES={top:64,below:8},MOST_COPIES={top:16,below:2},DEEPEST=5;function treeOf(entries,given){let claims2=new Set(
given??entries.flatMap(({box:box2})=>[...box2.keys()]));return grow(entries,[...claims2],0)}function grow(entries,claims2,depth){
if(entries.length<=FEW||depth===DEEPEST)return entries;let level=depth===0?"top":"below",best;for(let claim3 of claims2){
let groups2=groupBy(claim3,entries,MOST_VALUES[level]),cost=largest(groups2);placed(groups2)>entries.length*MOST_COPIES[level]||
cost<(best?.cost??entries.length)&&(best={claim:claim3,groups:groups2,cost})}if(best===void 0)return entries;let{
claim:claim2,groups}=best,left=claims2.filter(each=>each!==claim2),below=group=>new Map([...group].map(([key,own])=>[
key,grow(own,left,depth+1)])),lengths=[...new Set([...groups.byPrefix.keys()].map(prefix=>prefix.length))];return{
claim:claim2,byValue:below(groups.byValue),byPrefix:below(groups.byPrefix),lengths,open:grow(groups.open,left,
depth+1)}}function placed({byValue,byPrefix,open}){let sum=group=>[...group.values()].reduce((count,own)=>count+
own.length,0);return sum(byValue)+sum(byPrefix)+open.length}function groupBy(claim2,entries,mostValues){let groups={
byValue:new Map,byPrefix:new Map,open:[]};for(let entry of entries){let keys=keysOf(entry.box.get(claim2)?.lang,
mostValues);if(keys===void 0)groups.open.push(entry);else{let{prefixes:prefixes2,values}=keys;for(let value of values)
push(groups.byValue,value,entry);for(let prefix of prefixes2)push(groups.byPrefix,prefix,entry)}}return groups}
function push(group,key,entry){let entries=group.get(key);entries===void 0?group.set(key,[entry]):entries.push(
entry)}function keysOf(lang,mostValues){if(lang===void 0||lang.missing)return;let values=listed(lang);if(values!==
void 0)return values.size>mostValues?void 0:{values,prefixes:[]};let prefix=commonPrefix(lang);return prefix===
""?void 0:{values:[],prefixes:[prefix]}}function largest({byValue,byPrefix,open}){let most=group=>Math.max(0,...[
...group.values()].map(entries=>entries.length));return most(byValue)+most(byPrefix)+open.length}function entriesIn(tree,token){
let found=[];return gather(tree,token,found),found}function gather(tree,token,found){if("length"in tree){found.
push(...tree);return}let value=token.get(tree.claim);if(value!==void 0){let exact=tree.byValue.get(value);exact!==
void 0&&gather(exact,token,found);for(let length of tree.lengths){let below=length>value.length?void 0:tree.byPrefix.
get(value.slice(0,length));below!==void 0&&gather(below,token,found)}}gather(tree.open,token,found)}function indexGrants(issuers,targets,grants,denies,guardrails){let names=[...targets].map(target=>target.name);
return new Map([...issuers].map(({name:name2,schema})=>{let index=new Map(names.map(target=>[target,nothingYet()]));
for(let grant of grants)grant.issuer===name2&&addGrant(index,grant);for(let deny of denies)if(deny.issuer===name2)
for(let target of deny.targets??names)index.get(target)?.denies.push(deny);for(let guardrail of guardrails)addGuards(
index,guardrail,name2);return[name2,new Map([...index].map(([target,own])=>[target,withTrees(own,schema)]))]}))}
function nothingYet(){return{entries:[],denies:[],guards:[]}}function addGuards(index,guardrail,issuer){let{rule:rule2,
name:name2,get}=guardrail;if(rule2!=="never"&&rule2!=="only")return;let boxes=guardrail.who.get(issuer)??[];if(!(rule2===
"never"&&boxes.length===0))for(let[target,scopes]of get)index.get(target)?.guards.push({name:name2,never:rule2===
"never",boxes,scopes})}function addGrant(index,grant){for(let gift of grant.gifts){let place=index.get(gift.target.
name);if(place!==void 0)for(let box2 of grant.boxes)place.entries.push({grant,gift,box:box2})}}function withTrees(own,{
parts:parts2}){let whose=[...parts2.identities,...parts2.workflow?.names??[]];return{...own,tree:treeOf(own.entries),
byIdentity:treeOf(own.entries,whose)}}var nowhere={path:"",line:1,column:1};function policyOf(compiled,schemas){let boxes=boxReader(compiled),issuers=new Map(compiled.issuers.map(({name:name2,
kind,properties})=>[name2,issuerOf(name2,kind,properties,schemas)])),targets=new Map(compiled.targets.map(target=>[
target.name,{...target,settings:target.settings,scopes:new Map(target.scopes),place:nowhere}])),known=name2=>{
let target=targets.get(name2);if(target===void 0)throw new TypeError("a compiled policy names a target that it\
 has not");return target},grants=compiled.grants.map(({name:name2,issuer,seconds,boxes:own,gifts})=>({name:name2,
issuer,seconds,place:nowhere,boxes:boxes(own),gifts:gifts.map(({target,scopes})=>({target:known(target),scopes,
place:nowhere}))})),denies=compiled.denies.map(({name:name2,issuer,boxes:own,targets:meant})=>({name:name2,issuer,
boxes:boxes(own),place:nowhere,...meant===void 0?{}:{targets:meant}})),guardrails=compiled.guardrails.map(({name:name2,
rule:rule2,who,get})=>({name:name2,rule:rule2,place:nowhere,baseline:!1,who:new Map(who.map(([issuer,own])=>[issuer,
boxes(own)])),get:new Map(get.map(([target,scopes])=>[target,scopes===null?void 0:new Set(scopes)]))})),audiences=[
...targets.values()].flatMap(target=>target.audience===void 0?[]:[[target.audience,target]]);return{issuers,targets,
grants,denies,guardrails,audiences:new Map(audiences),index:indexGrants(issuers.values(),targets.values(),grants,
denies,guardrails)}}function issuerOf(name2,kind,properties,schemas){let schema=schemas.get(kind);if(schema===
void 0)throw new TypeError(`a compiled policy is of an issuer of kind ${kind}`);return{name:name2,schema,properties,
tenants:new Map}}function boxReader({automata,langs}){let machines=automata.map(({columns,width,next,accepting})=>({
columns:Uint8Array.from(columns,letter=>letter.charCodeAt(0)-48),width,next:Uint32Array.from(next),accepting:Uint8Array.
from(accepting,Number)})),read=langs.map(({automaton,minus=[],plus=[],missing=!1})=>({automaton:machines[automaton??
-1]??nothing.automaton,minus:new Set(minus),plus:new Set(plus),missing})),condition=({claim:claim2,lang,needed,
names=[]})=>{let found=read[lang];if(found===void 0)throw new TypeError("a compiled policy names a set of valu\
es that it has not");return{claim:claim2,lang:found,needed,names,sayings:[]}};return boxes=>boxes.map(box2=>new Map(
box2.map(each=>[each.claim,condition(each)])))}var anyToken=new Map;function box(...conditions){return conditions.reduce((made2,condition)=>meet(made2,new Map(
[[condition.claim,condition]])),anyToken)}function matches(box2,token){for(let condition of box2.values())if(!has(
condition.lang,token.get(condition.claim)))return!1;return!0}function meet(a,b){if(a.size===0)return b;let both=new Map(
a);for(let[claim2,condition]of b){let other=both.get(claim2);both.set(claim2,other===void 0?condition:narrowed(
other,condition))}return both}function narrowed(a,b){return{claim:a.claim,lang:inter(a.lang,b.lang),needed:isDefault(
b)||a.needed===b.needed?a.needed:`${a.needed} and ${b.needed}`,names:[...new Set([...a.names,...b.names])],sayings:[
...a.sayings,...b.sayings]}}function isDefault(condition){return condition.sayings.every(({operator})=>operator===
"default")}var refuse=(code,reason)=>({allowed:!1,code,reason});function decide(policy,request){return decideWith(policy,
request,locked)}function decideWith(policy,request,lock){let admitted=admit(policy,request);if("allowed"in admitted)return admitted;
let{token,profile:profile2}=admitted;if(profile2!==void 0)return refuse("profile",`${profile2.name} contradict\
s the issuer's other claims`);let index=policy.index.get(request.issuer)?.get(request.target),target=policy.targets.
get(request.target);if(index===void 0||target===void 0)return refuse("unknown_target","there is no such target");
let denied=denyFor(index,token);if(denied!==void 0)return refuse("denied",`deny rule \`${denied.name}\` applies`);
let entries=entriesIn(index.tree,token).filter(entry=>matches(entry.box,token));if(entries.length===0)return refuse(
"no_grant",`no grant gives \`${target.name}\` to this token`);let given=give(target,entries,request);return given.
allowed?lock(index,token,given):given}function locked(index,token,given){let hit=index.guards.find(({never,boxes,scopes})=>(scopes===void 0||given.scopes.
some(scope=>scopes.has(scope)))&&boxes.some(box2=>matches(box2,token))===never);return hit===void 0?given:refuse(
"guardrail",`guardrail \`${hit.name}\` would be broken`)}function admit(policy,request){let issuer=policy.issuers.
get(request.issuer);if(issuer===void 0)return refuse("intake",`the policy does not declare issuer \`${request.
issuer}\``);let intake=issuer.schema.intake(request.claims,issuer.properties);if(!intake.ok)return refuse("int\
ake",`${intake.claim} ${intake.reason}`);let profile2=issuer.schema.profile.find(rule2=>matches(rule2.box,intake.
token));return{token:intake.token,profile:profile2,schema:issuer.schema}}function denyFor(index,token){return index.
denies.find(deny=>deny.boxes.some(box2=>matches(box2,token)))}function give(target,entries,request){let wish=request.
seconds??target.maxSeconds;if(!(wish>=1))return refuse("intake","the wished lifetime is not a positive number \
of seconds");let lifetimes=new Map;for(let{grant,gift}of entries)for(let scope of gift.scopes)lifetimes.set(scope,
Math.max(lifetimes.get(scope)??0,grant.seconds));let scopes=[...new Set(request.scopes??lifetimes.keys())].toSorted(),
missing=scopes.find(scope=>!lifetimes.has(scope));if(missing!==void 0)return refuse("scope",`scope \`${missing}\
\` is not granted`);let longest2=Math.max(...entries.map(({grant})=>grant.seconds)),granted=Math.min(longest2,
...scopes.map(scope=>lifetimes.get(scope)??0));return{allowed:!0,target,grants:[...new Set(entries.map(({grant})=>grant.
name))].toSorted(),scopes,seconds:Math.floor(Math.min(granted,target.maxSeconds,wish))}}function editDistance(a,b){let beforeLast=[],last=Array.from({length:b.length+1},(_,at)=>at);for(let row=1;row<=
a.length;row++){let current=[row];for(let column=1;column<=b.length;column++){let same=a[row-1]===b[column-1],
replaced=(last[column-1]??0)+(same?0:1),best=Math.min((last[column]??0)+1,(current[column-1]??0)+1,replaced);row>
1&&column>1&&a[row-1]===b[column-2]&&a[row-2]===b[column-1]&&(best=Math.min(best,(beforeLast[column-2]??0)+1)),
current.push(best)}beforeLast=last,last=current}return last[b.length]??0}var MOST_COMPARED=1e5;function nearest(text2,known){
if(text2.length>100)return[];let folded=text2.toLowerCase();return[...known].filter(name2=>Math.abs(name2.length-
text2.length)<=2&&name2.length<=102).slice(0,Math.ceil(MOST_COMPARED/(text2.length+1)**2)).map(name2=>({name:name2,
distance:editDistance(folded,name2.toLowerCase())})).filter(({name:name2,distance})=>distance<=Math.min(2,Math.
max(1,name2.length-2))).toSorted((a,b)=>a.distance-b.distance||(a.name<b.name?-1:1)).slice(0,3).map(({name:name2})=>name2)}var insideSegment=lettersExcept("/:@"),anyDepth=lettersExcept(":@");function compileGlob(text2){let steps=[],segments=text2.split(/([/:@])/);for(let segment of segments){let whole=segment===
"*"||segment==="**",letters=segment==="**"?anyDepth:insideSegment;if(whole)steps.push({letters,repeated:!1},{letters,
repeated:!0});else for(let letter of segment)steps.push(letter==="*"?star:exactly(letter))}return fromAutomaton(
sequence(steps))}var star={letters:insideSegment,repeated:!0},exactly=letter=>({letters:lettersIn(letter),repeated:!1});
function words(...parts2){return fromAutomaton(sequence(parts2.flatMap(part=>typeof part=="string"?[...part].map(
exactly):[{letters:part,repeated:!1},{letters:part,repeated:!0}])))}function exactlyMany(letters,count){return fromAutomaton(
sequence(Array.from({length:count},()=>({letters,repeated:!1}))))}var someText=words(anyLetter);var lower="abcdefghijklmnopqrstuvwxyz",upper=lower.toUpperCase(),digits=lettersIn("0123456789"),alphanumeric=lettersIn(
`${lower}${upper}0123456789`),id=words(digits),word=words(lettersIn(`${lower}${upper}0123456789_-`)),text=words(
anyLetter),refName=lettersExcept(" ~^:?*[\\"),branches=words("refs/heads/",refName),tags=words("refs/tags/",refName),
branchesAndTags=union(branches,tags),hexadecimal=lettersIn("0123456789abcdef"),commits=exactlyMany(hexadecimal,
40),uuid=fromAutomaton(sequence([..."xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"].map(letter=>({letters:letter==="x"?
hexadecimal:lettersIn(letter),repeated:!1}))));function claim(name2,domain,more={}){return[name2,{name:name2,domain,folded:!1,optional:!1,form:"text",...more}]}var trueOrFalse=literals(["true","false"]);function only(name2,lang){return{claim:name2,lang,needed:"",names:[],sayings:[]}}var present=withMissing(everything,
!1);function rule(name2,refusedBox){return{name:name2,box:refusedBox}}function needs(name2,other){return rule(
name2,box(only(other,onlyMissing),only(name2,present)))}var anyBranch=inter(branches,compileGlob("refs/heads/*")),
notProtected=literals(["false"]);function callerChosen(name2,hint){return provesNothing(name2,"is chosen by th\
e caller and proves nothing",hint)}function provesNothing(name2,why,hint){return[name2,{code:"P031",message:`\`${name2}\
\` ${why}`,hint}]}var audience=callerChosen("aud","the broker checks the audience itself");function memberIn(name2){let[,list,value]=/^([^[\]]+)\[(.+)\]$/s.exec(name2)??[];return list===void 0||value===
void 0?void 0:{list,value}}function claimIn(name2){return memberIn(name2)?.list??name2}function valuesIn(token,list){return`[${[...token.keys()].map(memberIn).filter(member=>member?.list===list).map(
member=>member?.value).join(", ")}]`}function failingConditions(box2,token,schema){return[...box2.values()].filter(condition=>!has(condition.lang,token.
get(condition.claim))).map(condition=>{let got=token.get(condition.claim),hint=hintFor(condition,got,token,schema),
{claim:claim2,needed}=condition,list=claimIn(claim2);return memberIn(claim2)!==void 0?{claim:list,got:valuesIn(
token,list),needed}:{claim:claim2,got:got??null,needed,...hint===void 0?{}:{hint}}})}function visibleTo(box2,token,{
parts:parts2,properties}){let whose=[...parts2.identities.length===0?box2.keys():parts2.identities,...parts2.workflow?.
names??[],parts2.workflow?.version,parts2.tenant?.claim],prefix=properties?.prefix,declared=prefix===void 0?[]:
[...box2.keys()].filter(claim2=>claim2.startsWith(prefix));return[...whose,...declared].every(claim2=>{let condition=box2.
get(claim2??"");return condition===void 0||has(condition.lang,token.get(condition.claim))})}function costOf(box2,token,schema){
let cost=0;for(let{claim:claim2,lang}of box2.values())has(lang,token.get(claim2))||(cost+=weight(claim2,schema));
return cost}function weight(claim2,{parts:parts2}){let[repository2,...file]=parts2.workflow?.names??[];return claim2===
repository2?5:file.includes(claim2)?4:parts2.identities.includes(claim2)?8:claim2===parts2.actor?3:2}function hintFor(condition,got,token,{
parts:parts2,mend}){let{claim:claim2,names}=condition,wanted=[...listed(condition.lang)??[]];if(claim2===parts2.
environment&&got===void 0&&wanted.length>0)return`add \`environment: ${wanted[0]}\` to the job`;if(claim2===parts2.
ref&&got?.startsWith("refs/pull/"))return"runs on pull_request; push to the branch instead";if(claim2==="repos\
itory_id"&&names.includes(token.get("repository")??""))return"the repository was re-created under the same nam\
e; `mayfly policy lock` shows both ids, and asks which is meant";if(/_id$/.test(claim2))return;let near=got===
void 0?void 0:wanted.find(value=>value.toLowerCase()===got.toLowerCase()||isTypo(got,value));return near===void 0?
mend?.(claim2,wanted):`did you mean \`${near}\`?`}function isTypo(got,value){if(got.length>200)return!1;let most=Math.
min(2,Math.floor(Math.min(got.length,value.length)/3));return Math.abs(got.length-value.length)<=most&&editDistance(
got,value)<=most}var SHOWN_TO_CALLER=3,MOST_COMPARED2=1e3;function explain(policy,request,reader){let decision=decide(policy,request);
if(decision.allowed){let{grants,target,seconds}=decision;return{summary:`\`${target.name}\` is granted by ${grants.
join(", ")} for ${seconds}s`,grants:[]}}let admitted=admit(policy,request);if("allowed"in admitted||admitted.profile!==
void 0)return{summary:decision.reason,grants:[]};let asked={...request,policy,token:admitted.token,schema:admitted.
schema,reader},entries=visible(asked,request.target);return entries.length===0&&reader==="caller"?{summary:nothingHere(
asked),grants:[]}:decision.code==="unknown_target"?{summary:nothingHere(asked),grants:[]}:decision.code!=="no_\
grant"?{summary:refusal(decision,entries,asked.token),grants:[]}:nearMisses(entries,asked)}function visible({policy,
issuer,token,schema,reader},target){let index=policy.index.get(issuer)?.get(target);return index===void 0?[]:reader===
"administrator"?index.entries:entriesIn(index.byIdentity,token).slice(0,MOST_COMPARED2).filter(({box:box2})=>visibleTo(
box2,token,schema))}function nothingHere(asked){let{policy,issuer,target,token,reader}=asked,known=[...policy.
index.get(issuer)?.keys()??[]],near=nearest(target,known).filter(name2=>reader==="administrator"||visible(asked,
name2).length>0),hint=near.length===0?"":`; did you mean ${near.join(" or ")}?`;return reader==="administrator"?
`there is no target \`${target}\`${hint}`:`no grant gives \`${target}\` to ${token.get("repository")??"this to\
ken"}${hint}`}function refusal(decision,entries,token){if(decision.code!=="scope")return decision.reason;let given=entries.
filter(entry=>matches(entry.box,token)).flatMap(entry=>entry.gift.scopes);return`${decision.reason}; granted: ${[
...new Set(given)].toSorted().join(", ")||"no scopes"}`}function nearMisses(entries,{target,token,schema,reader}){
let ranked=entries.map(({grant,box:box2})=>({name:grant.name,box:box2,cost:costOf(box2,token,schema)})).toSorted(
(a,b)=>a.cost-b.cost||(a.name<b.name?-1:1)),grants=(reader==="caller"?ranked.slice(0,SHOWN_TO_CALLER):ranked).
map(({name:name2,box:box2})=>({grant:name2,failing:failingConditions(box2,token,schema)})),[first]=grants;if(first===
void 0)return{summary:`no grant gives \`${target}\``,grants};let said=first.failing.map(({claim:claim2,got,needed})=>`${claim2}\
 is ${got??"missing"}, needs ${needed}`);return{summary:`${first.grant}: ${said.join("; ")}`,grants}}function foldAscii(text2){return/[A-Z]/.test(text2)?text2.replaceAll(/[A-Z]/g,letter=>letter.toLowerCase()):text2}var ascii=/^[ -~]*$/,invisible=/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;function textOf(given,name2){if(!Object.
hasOwn(given,name2))return;let value=given[name2];if(!(value===void 0||value===""))return typeof value=="boole\
an"?String(value):typeof value=="number"?Number.isSafeInteger(value)?String(value):!1:typeof value=="string"&&
(ascii.test(value)||!invisible.test(value))?value:!1}function refuse2(claim2,reason){return{ok:!1,claim:claim2,reason}}function take(token,claim2,value){if(value===
!1)return"is not text";if(value===void 0)return claim2.optional?void 0:"is missing";let text2=claim2.folded?foldAscii(
value):value;if(!has(claim2.domain,text2))return"has a value that this claim cannot have";token.set(claim2.name,
text2)}var name="([^/:@]+)",defaultForm=new RegExp(`^repo:(?:${name}/${name}|${name}@([0-9]+)/${name}@([0-9]+)):(?:re\
f:([^:]+)|environment:([^:]+)|pull_request)$`),plain=/^[\w./: -]+$/;function subjectContradicts(subject,claim2){
let form3=defaultForm.exec(subject);if(form3===null)return;let[,owner,repo,ownerNow,ownerId,repoNow,repoId,ref,
environment]=form3,repository2=`${owner??ownerNow}/${repo??repoNow}`;if(foldAscii(repository2)!==foldAscii(claim2(
"repository")??""))return"repository";if(ownerId!==void 0&&ownerId!==claim2("repository_owner_id"))return"repo\
sitory_owner_id";if(repoId!==void 0&&repoId!==claim2("repository_id"))return"repository_id";if(ref!==void 0&&ref!==
claim2("ref"))return"ref";if(environment!==void 0&&!sameEnvironment(environment,claim2("environment")))return"\
environment"}function sameEnvironment(inSubject,claimed){if(claimed===void 0)return!1;if(!plain.test(claimed))
return!0;let folded=foldAscii(claimed),given=foldAscii(inSubject);return given===folded.replaceAll(":","%3a")||
given===folded.replaceAll(":","%3a").replaceAll(" ","%20")}var split=/^([^/:@]+\/[^/:@]+)\/(\.github\/workflows\/[^/:@]+\.ya?ml)@(refs\/.+|[0-9a-f]{40})$/s;function parseWorkflowReference(text2){
let[,repo,file,ref]=split.exec(text2)??[];return repo===void 0||file===void 0||ref===void 0?void 0:{repo,file,
ref}}function githubIntake(schema,given,properties){let token=new Map;for(let claim2 of schema.values()){if(claim2.
name.startsWith("workflow."))continue;let fault=take(token,claim2,textOf(given,claim2.name));if(fault!==void 0)
return refuse2(claim2.name,fault)}for(let property of properties){let value=textOf(given,`repo_property_${property}`);
if(value===!1)return refuse2(`repo_property_${property}`,"is not text");value!==void 0&&token.set(`repo_proper\
ty_${property}`,value)}let workflow=takeWorkflow(token,schema,textOf(given,"job_workflow_ref"));return workflow!==
void 0?refuse2("job_workflow_ref",workflow):related(token,given)}function takeWorkflow(token,schema,value){if(value===
void 0)return;let parsed2=value===!1?void 0:parseWorkflowReference(value);if(parsed2===void 0)return"is not OW\
NER/REPO/.github/workflows/FILE@REF";for(let part of["repo","file","ref"]){let claim2=schema.get(`workflow.${part}`),
fault=claim2===void 0?"is not known":take(token,claim2,parsed2[part]);if(fault!==void 0)return fault}}function related(token,given){
let owner=textOf(given,"repository_owner"),named2=token.get("repository")??"";if(typeof owner!="string")return refuse2(
"repository_owner","is missing");if(!named2.startsWith(`${foldAscii(owner)}/`))return refuse2("repository","do\
es not start with repository_owner");let subject=textOf(given,"sub");if(subject===!1)return refuse2("sub","is \
not text");let against=subject===void 0?void 0:subjectContradicts(subject,name2=>textOf(given,name2)||void 0);
return against===void 0?{ok:!0,token}:refuse2(against,"contradicts sub")}function githubMend(claim2,wanted){let shown=wanted.slice(0,3);switch(claim2){case"environment":return shown.length===
0?void 0:`write ${either(shown.map(name2=>`environment: ${name2}`))} in the job`;case"ref":return shown.length===
0?void 0:`run it on ${either(shown.map(refName2))}`;case"event_name":return shown.length===0?void 0:`start the\
 workflow by ${either(shown)} (\`on:\`)`;case"runner_environment":return shown.includes("github-hosted")?"use \
a GitHub-hosted runner: `runs-on: ubuntu-latest`":"use your own runner: `runs-on: self-hosted`";case"ref_prote\
cted":return"protect the branch or tag by a rule of the repository";case"workflow.repo":case"workflow.file":case"\
workflow.ref":return"let the job call the reusable workflow that the policy names (`uses:`), at the ref that i\
t names";default:return}}function refName2(ref){return ref.replace(/^refs\/heads\//,"branch ").replace(/^refs\/tags\//,
"tag ")}function either(choices){return choices.map(choice=>`\`${choice}\``).join(" or ")}function typicalGithub(said,tenants){let[[firstOwner,firstId]=["owner","1"]]=tenants,owner=said.get("repositor\
y")?.split("/")[0],repository2=said.get("repository")??`${ownerOf(said,tenants)??firstOwner}/typical`,ref=said.
get("ref")??"refs/heads/main",ownerId=owner===void 0?firstId:tenants.get(owner)??"1",token=new Map([["reposito\
ry",repository2],["repository_id","1"],["repository_owner_id",ownerId],["actor_id","1"],["event_name","push"],
["runner_environment","github-hosted"],["repository_visibility","private"],["ref",ref],["ref_type",ref.startsWith(
"refs/tags/")?"tag":"branch"],["ref_protected","true"],["workflow.repo",repository2],["workflow.file",".github\
/workflows/ci.yml"],["workflow.ref",ref]]);for(let[claim2,value]of said)token.set(claim2,value);return token}function ownerOf(said,tenants){
let id2=said.get("repository_owner_id");return tenants.entries().find(([,own])=>own===id2)?.[0]}function presentGithub(token){
let claims2=new Map([...token].filter(([name2])=>!name2.startsWith("workflow."))),[repo,file,ref]=["repo","fil\
e","ref"].map(part=>token.get(`workflow.${part}`));return repo!==void 0&&file!==void 0&&ref!==void 0&&claims2.
set("job_workflow_ref",`${repo}/${file}@${ref}`),claims2.set("repository_owner",token.get("repository")?.split(
"/")[0]??""),Object.fromEntries(claims2)}var repository=words(lettersIn(`${lower}0123456789_-`),"/",lettersIn(`${lower}0123456789_-.`)),pulls=words("re\
fs/pull/",digits,"/merge"),refs=union(branchesAndTags,pulls),fileName=lettersExcept("/:@"),files=union(words("\
.github/workflows/",fileName,".yml"),words(".github/workflows/",fileName,".yaml")),foldedText=words(lettersExcept(
upper)),claims=new Map([claim("repository_id",id,{form:"id"}),claim("repository_owner_id",id,{form:"id"}),claim(
"actor_id",id,{form:"id"}),claim("repository",repository,{folded:!0,owned:0}),claim("ref",refs,{optional:!0}),
claim("ref_type",literals(["branch","tag"]),{optional:!0}),claim("ref_protected",literals(["true","false"]),{optional:!0,
form:"boolean"}),claim("environment",foldedText,{folded:!0,optional:!0}),claim("event_name",word),claim("runne\
r_environment",word),claim("repository_visibility",word),claim("workflow.repo",repository,{folded:!0,optional:!0,
owned:0}),claim("workflow.file",files,{optional:!0}),claim("workflow.ref",union(refs,commits),{optional:!0})]),
shorthands=new Map([["repo",{to:"lock",section:"repos",claim:"repository_id",patternClaim:"repository"}],["own\
er",{to:"lock",section:"owners",claim:"repository_owner_id"}],["actor",{to:"lock",section:"users",claim:"actor\
_id"}],["branch",{to:"claim",claim:"ref",prefix:"refs/heads/"}],["tag",{to:"claim",claim:"ref",prefix:"refs/ta\
gs/"}],["event",{to:"claim",claim:"event_name",prefix:""}],["workflow",{to:"workflow"}]]),refused=new Map([["s\
ub",{code:"P014",message:"`sub` has two formats since July 2026, and repository administrators can change it",
hint:"name the claims you mean: repo, branch, environment, ..."}],callerChosen("head_ref","use branch:, which \
is the ref that really runs"),callerChosen("base_ref","use branch:, which is the ref that really runs"),audience]),
profile=[rule("ref_type",box(only("ref_type",literals(["tag"])),only("ref",diff(everything,tags)))),rule("ref_\
type",box(only("ref_type",diff(everything,literals(["tag"]))),only("ref",tags))),rule("ref",box(only("event_na\
me",literals(["push","schedule","workflow_dispatch","release"])),only("ref",inter(refs,compileGlob("refs/pull/\
**"))))),rule("runner_environment",box(only("runner_environment",diff(everything,literals(["github-hosted","se\
lf-hosted"]))))),needs("workflow.file","workflow.repo"),needs("workflow.ref","workflow.file"),needs("workflow.\
repo","workflow.ref")],parts={tenant:{claim:"repository_owner_id",section:"owners"},identities:["repository_id",
"repository","repository_owner_id","workflow.repo"],actor:"actor_id",event:{claim:"event_name",standard:["push",
"schedule","workflow_dispatch","release"],outsider:["pull_request_target","workflow_run","issues","issue_comme\
nt","discussion","discussion_comment","fork","watch","gollum","pull_request_comment"],proposal:["pull_request",
"pull_request_review","pull_request_review_comment","pull_request_target"]},pins:["ref","environment","workflo\
w.repo","workflow.file"],anybodys:new Map([["ref",anyBranch],["workflow.ref",anyBranch]]),ref:"ref",environment:"\
environment",runner:{claim:"runner_environment",own:"self-hosted"},workflow:{names:["workflow.repo","workflow.\
file"],version:"workflow.ref"}},github={kind:"github",claims,properties:{key:"properties",prefix:"repo_propert\
y_",claim:name2=>claim(`repo_property_${name2}`,someText,{optional:!0})[1]},shorthands,refused,profile,parts,mend:githubMend,
workflow:parseWorkflowReference,intake:(given,properties)=>githubIntake(claims,given,properties),typical:typicalGithub,
present:presentGithub};var import_node_crypto=require("node:crypto"),largestValue=3500,keysLifeMs=6e5,spentKey="spent",members=["kid",
"kty","n","e","alg","use","key_ops"];function keptKeys(issuer,cache){let found=cache.get(named("keys",issuer))?.
value;return found===void 0?void 0:JSON.parse(found)}function keepKeys(issuer,keys,wanted,cache){let first=keys.
filter(({kid})=>kid===wanted),all=[...first,...keys.filter(key=>!first.includes(key))].map(key=>Object.fromEntries(
members.flatMap(name2=>key[name2]===void 0?[]:[[name2,key[name2]]]))),text2=JSON.stringify({keys:[]});for(let count=1;count<=
all.length;count++){let longer=JSON.stringify({keys:all.slice(0,count)});if(Buffer.byteLength(longer)>largestValue)
break;text2=longer}cache.set(named("keys",issuer),text2,{ttl:keysLifeMs})}function mayAsk(issuer,waitMs,cache){
let name2=named("asked",issuer);return cache.get(name2)!==void 0?!1:(cache.set(name2,"1",{ttl:waitMs}),!0)}function isSpent(name2,now,cache){
let short=digest(name2);return spent(now,cache).some(entry=>entry.startsWith(short))}function spend(name2,until,now,cache){
let entries=[...spent(now,cache),`${digest(name2)}${Math.ceil(until).toString(36)}`];for(;entries.join(" ").length>
largestValue;)entries.shift();let last=Math.max(...entries.map(endOf));cache.set(spentKey,entries.join(" "),{ttl:Math.
ceil((last-now)*1e3)})}var digestLength=16;function spent(now,cache){return(cache.get(spentKey)?.value.split("\
 ")??[]).filter(entry=>endOf(entry)>now)}function endOf(entry){return Number.parseInt(entry.slice(digestLength),
36)}function digest(name2){return(0,import_node_crypto.createHash)("sha256").update(name2).digest("base64url").
slice(0,digestLength)}function named(what,issuer){return`${what}:${digest(issuer)}`}var import_node_crypto2=require("node:crypto");function rsa(hash){return{keyType:"RSA",verify:(signed,key,signature)=>(0,import_node_crypto2.verify)(
hash,signed,key,signature)}}function pss(hash,saltLength){let padding=import_node_crypto2.constants.RSA_PKCS1_PSS_PADDING;
return{keyType:"RSA",verify:(signed,key,signature)=>(0,import_node_crypto2.verify)(hash,signed,{key,padding,saltLength},
signature)}}function ecdsa(hash,curve,length){return{keyType:"EC",curve,verify:(signed,key,signature)=>signature.
length===length&&(0,import_node_crypto2.verify)(hash,signed,{key,dsaEncoding:"ieee-p1363"},signature)}}var ed25519={
keyType:"OKP",curve:"Ed25519",verify:(signed,key,signature)=>signature.length===64&&(0,import_node_crypto2.verify)(
null,signed,key,signature)},algorithms={RS256:rsa("sha256"),RS384:rsa("sha384"),RS512:rsa("sha512"),PS256:pss(
"sha256",32),ES256:ecdsa("sha256","P-256",64),ES384:ecdsa("sha384","P-384",96),EdDSA:ed25519,Ed25519:ed25519};
function algorithmOf(name2){return Object.hasOwn(algorithms,name2)?algorithms[name2]:void 0}var longest={sub:1024,jti:256},checks=[({typ="JWT"},{type="jwt"})=>["jwt",type].includes(typ.toLowerCase())?void 0:
"a token of another type",({claims:claims2},{issuer})=>claims2.iss===issuer?void 0:"another issuer",({claims:claims2},{
audience:audience2,alias})=>checkAudience(claims2.aud,audience2,alias),({claims:claims2})=>checkTimes(claims2.
exp,claims2.iat,claims2.nbf),({claims:claims2},expected)=>checkWindow(claims2,expected),({claims:claims2},{type})=>type===
"logout+jwt"&&claims2.sub===void 0?void 0:checkText(claims2.sub,"sub",longest.sub),({claims:claims2})=>claims2.
jti===void 0?void 0:checkText(claims2.jti,"jti",longest.jti),({claims:claims2},{required})=>{let missing=required.
find(name2=>typeof claims2[name2]!="string"||claims2[name2]==="");return missing===void 0?void 0:`no ${missing}`},
({claims:claims2},{text:text2})=>{let wrong=text2.find(name2=>claims2[name2]!==void 0&&typeof claims2[name2]!=
"string");return wrong===void 0?void 0:`${wrong} is not text`}];function claimsFault(token,expected){for(let check of checks){
let fault=check(token,expected);if(fault!==void 0)return fault}}function checkAudience(audience2,ours,alias=ours){
let all=Array.isArray(audience2)?audience2:[audience2];return all.length!==1?"not exactly one audience":all[0]===
ours||all[0]===alias?void 0:"another audience"}function checkTimes(...times){let[exp,iat,nbf]=times;return!isTime(
exp)||!isTime(iat)?"no exp or iat that is a whole number":nbf===void 0||isTime(nbf)?void 0:"an nbf that is not\
 a whole number"}function isTime(value){return typeof value=="number"&&Number.isSafeInteger(value)&&value>0}function checkWindow(claims2,expected){
let[exp,iat,nbf]=[Number(claims2.exp),Number(claims2.iat),Number(claims2.nbf??0)],{now,maxAge,maxLifetime}=expected;
return exp<=iat||exp-iat>maxLifetime?"a lifetime that is too long, or none":nbf>=exp?"valid at no time":now>=exp+
60?"expired":now<nbf-60?"not valid yet":iat>now+60?"issued in the future":now>iat+maxAge+60?"issued too long a\
go":void 0}function checkText(value,name2,most){return typeof value!="string"||value===""?`no ${name2}`:value.
length>most?`${name2} is too long`:void 0}var import_node_buffer=require("node:buffer");var limitsOfTokens={depth:16,members:256,controls:!1},forbiddenNames=new Set(["__proto__","constructor","proto\
type"]),control=/[\u0000-\u001f\u007f]/;function parseStrictObject(text2,limits=limitsOfTokens){let value;try{
value=JSON.parse(text2)}catch{throw new TypeError("not JSON")}if(typeof value!="object"||value===null||Array.isArray(
value))throw new TypeError("not a JSON object");let suspect=text2.includes("\\")||text2.includes(""),look={...limits,
suspect};if(checkObject(value,1,look)!==namesIn(text2))throw new TypeError("a member that stands twice");return value}
function checkObject(value,depth,look){if(depth>look.depth)throw new TypeError("nested too deeply");let names=Object.
keys(value);if(names.length>look.members)throw new TypeError("too many members");let count=names.length;for(let name2 of names){
if(forbiddenNames.has(name2))throw new TypeError("a member with a name that none may have");look.suspect&&checkText2(
name2,look)}for(let member of Object.values(value))count+=checkValue(member,depth,look);return Object.setPrototypeOf(
value,null),count}function checkValue(value,depth,look){switch(typeof value){case"string":return look.suspect&&
checkText2(value,look),0;case"number":if(!Number.isFinite(value))throw new TypeError("a number that is not fin\
ite");return 0;case"boolean":return 0;default:}return typeof value!="object"||value===null?0:Array.isArray(value)?
checkList(value,depth,look):checkObject(value,depth+1,look)}function checkList(list,depth,look){if(depth>=look.
depth)throw new TypeError("nested too deeply");if(list.length>look.members)throw new TypeError("a list that is\
 too long");return list.reduce((count,item)=>count+checkValue(item,depth+1,look),0)}function checkText2(text2,{
controls}){if(!controls&&control.test(text2))throw new TypeError("a control character");if(!text2.isWellFormed())
throw new TypeError("a lone surrogate")}var colon=58,backslash=92;function namesIn(text2){let count=0;for(let at=text2.
indexOf('"');at!==-1;at=text2.indexOf('"',at)){for(at=endOfString(text2,at)+1;isSpace(text2.charCodeAt(at));)at++;
text2.charCodeAt(at)===colon&&count++}return count}function isSpace(unit){return unit===32||unit===10||unit===
13||unit===9}function endOfString(text2,start){let end=text2.indexOf('"',start+1);for(;isEscaped(text2,end);)end=
text2.indexOf('"',end+1);return end}function isEscaped(text2,at){let slashes=0;for(;text2.charCodeAt(at-1-slashes)===
backslash;)slashes++;return slashes%2===1}var tokenLimit=8192,kidLimit=128,knownHeaders=new Set(["alg","kid","typ","x5t","x5t#S256"]),form=/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
function parseCompact(token){if(token.length>tokenLimit)throw new TypeError("longer than any token");try{return takenApart(
token)}catch(thrown){throw form.test(token)?thrown:new TypeError("not a compact JWS")}}function takenApart(token){
if(Buffer.byteLength(token)!==token.length)throw new TypeError("not ASCII");let[first,second]=[token.indexOf("\
."),token.lastIndexOf(".")],last=token.length-1;if(first<1||second===last||token.indexOf(".",first+1)!==second)
throw new TypeError("not three parts");return{...headerOf(token.slice(0,first)),claims:parsePart(token.slice(first+
1,second)),signed:Buffer.from(token.slice(0,second),"latin1"),signature:decodeCanonical(token.slice(second+1))}}
var headers=new Map,mostHeaders=64;function headerOf(part){let known=headers.get(part);if(known!==void 0)return known;
let header=readHeader(part);return headers.size>=mostHeaders&&headers.clear(),headers.set(part,header),header}
function readHeader(part){let header=parsePart(part);for(let name2 in header)if(!knownHeaders.has(name2))throw new TypeError(
"a header parameter that no token of ours may have");let{alg,kid,typ}=header;if(typeof alg!="string")throw new TypeError(
"no algorithm");if(typeof kid!="string"||kid===""||kid.length>kidLimit)throw new TypeError("no key named");if(typ!==
void 0&&typeof typ!="string")throw new TypeError("a type that is not text");return{algorithm:alg,kid,typ}}function parsePart(part){
let bytes=decodeCanonical(part);if(!(0,import_node_buffer.isUtf8)(bytes))throw new TypeError("not UTF-8");return parseStrictObject(
bytes.toString("utf8"))}var alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";function decodeCanonical(part){
let over=part.length%4,last=alphabet.indexOf(part.charAt(part.length-1));if(over===1||over===2&&(last&15)!==0||
over===3&&(last&3)!==0)throw new TypeError("base64url that is not canonical");let bytes=Buffer.from(part,"base\
64url");if(bytes.length!==Math.floor(part.length*3/4)||part.includes("+")||part.includes("/"))throw new TypeError(
"letters that base64url does not have");return bytes}var host="[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\\.[a-z][a-z0-9-]*[a-z0-9]";function form2(pattern){
let source=pattern.replaceAll(".","\\.").replaceAll("HOST",`${host}(:[0-9]{1,5})?`).replaceAll("SEGMENT","[A-Z\
a-z0-9_{}%-]+");return new RegExp(`^https://${source}$`)}var minutes=60,hours=3600,githubText=["actor","actor_id","base_ref","check_run_id","enterprise","enterprise_id",
"environment","environment_node_id","head_ref","job_workflow_ref","job_workflow_sha","ref","ref_protected","re\
f_type","repository_visibility","run_number","runner_environment","sha","workflow","workflow_ref","workflow_sh\
a"];function githubJob(claims2){let{check_run_id:id2,run_id:run,run_attempt:attempt}=claims2;return{...typeof id2==
"string"&&id2!==""?{id:id2}:{},...typeof run=="string"&&typeof attempt=="string"?{run:`${run}/${attempt}`}:{}}}
var githubPreset={form:form2("(token.actions.(githubusercontent|[a-z0-9-]+.ghe).com(/[A-Za-z0-9_-]+)?|HOST/_se\
rvices/token)"),algorithms:["RS256"],required:["jti","repository","repository_id","repository_owner","reposito\
ry_owner_id","event_name","run_id","run_attempt"],text:githubText,jti:"required",maxAge:10*minutes,maxLifetime:6*
hours,repository:"repository",actor:"actor",job:githubJob,check:claims2=>{for(let name2 in claims2)if(name2.startsWith(
"repo_property_")&&typeof claims2[name2]!="string")return`${name2} is not text`}};var import_node_crypto3=require("node:crypto");var mostKeys=50,privateMembers=["d","p","q","dp","dq","qi","oth","k"];function readKeySet(value,allowed){let keys=isObject(
value)?value.keys:void 0;if(!Array.isArray(keys))throw new TypeError("not a JWK Set");if(keys.length>mostKeys)
throw new TypeError("more keys than any issuer has");let set=new Map;for(let jwk of keys){if(!isObject(jwk))throw new TypeError(
"a key that is not an object");if(jwk.kty==="oct"||privateMembers.some(name2=>Object.hasOwn(jwk,name2)))throw new TypeError(
"a key set with secret members");let{kid}=jwk;if(typeof kid!="string"||kid==="")continue;let key=readKey(jwk,allowed);
if(key!==void 0){if(set.has(kid))throw new TypeError("two keys of one name");set.set(kid,key)}}return set}function readKey(jwk,allowed){
if(jwk.use!==void 0&&jwk.use!=="sig")return;let operations=jwk.key_ops;if(operations!==void 0&&!(Array.isArray(
operations)&&operations.includes("verify")))return;let algorithm=allowed.find(name2=>{let row=algorithmOf(name2);
return row?.keyType===jwk.kty&&(row?.curve===void 0||row.curve===jwk.crv)&&(jwk.alg===void 0||jwk.alg===name2)});
if(algorithm!==void 0)try{let key=(0,import_node_crypto3.createPublicKey)({key:jwk,format:"jwk"});return isStrong(
key)?{algorithm,key}:void 0}catch{return}}function isStrong(key){let{modulusLength,publicExponent}=key.asymmetricKeyDetails??
{};return key.asymmetricKeyType!=="rsa"?!0:modulusLength!==void 0&&modulusLength>=2048&&modulusLength<=8192&&publicExponent===
65537n}function isObject(value){return typeof value=="object"&&value!==null&&!Array.isArray(value)}var Invalid=class extends Error{},retryMs=6e4,fetchMs=5e3,largestKeys=262144;async function verifiedToken(text2,{
audience:audience2,issuers},tools){let token=parsed(text2),{claims:claims2}=token,[issuer,iss]=Object.entries(
issuers).find(([,each])=>each===claims2.iss)??[];if(issuer===void 0||iss===void 0)throw new Invalid("its issue\
r is not one of ours");let now=tools.now()/1e3,fault=claimsFault(token,{...githubPreset,issuer:iss,audience:audience2,
now})??githubPreset.check?.(claims2);if(fault!==void 0)throw new Invalid(fault.includes("audience")?`its audie\
nce must be exactly ${audience2}`:fault);if(!githubPreset.algorithms.some(name3=>name3===token.algorithm))throw new Invalid(
"an algorithm that this issuer does not use");let key=await keyOf(iss,token.kid,tools);if(key===void 0)throw new Invalid(
"a key that the issuer does not have");if(algorithmOf(key.algorithm)?.verify(token.signed,key.key,token.signature)!==
!0)throw new Invalid("the signature is wrong");let name2=`${iss} ${String(claims2.jti)}`;if(isSpent(name2,now,
tools.cache))throw new Invalid("it was used before");return{issuer,claims:claims2,spends:{name:name2,until:Number(
claims2.exp)+120}}}function parsed(text2){try{return parseCompact(text2)}catch(thrown){throw thrown instanceof
TypeError?new Invalid(thrown.message):thrown}}async function keyOf(issuer,kid,{cache,fetch:fetch2}){let kept=keptKeys(
issuer,cache),found=kept===void 0?void 0:readKeySet(kept,githubPreset.algorithms).get(kid);if(found!==void 0)return found;
let mayBeAsked=mayAsk(issuer,retryMs,cache);if(kept!==void 0&&!mayBeAsked)return;let set=await fetchKeys(issuer,
fetch2),fresh=readKeySet(set,githubPreset.algorithms);return keepKeys(issuer,set.keys,kid,cache),fresh.get(kid)}
async function fetchKeys(issuer,get){let answer=await get(`${issuer}/.well-known/jwks`,{redirect:"error",signal:AbortSignal.
timeout(fetchMs)}),text2=await answer.text();if(answer.status!==200||text2.length>largestKeys)throw new Error(
"the keys of the issuer cannot be had");return JSON.parse(text2)}var refusedScopes=["offline_access"],openidScopes=["openid","profile","email"],longestReason=500;function openAction(compiled,settings){
let policy=policyOf(compiled,new Map([["github",github]]));return async(event,api)=>{let now=()=>Date.now(),token;
try{token=await verifiedToken(event.transaction.subject_token,settings,{cache:api.cache,fetch,now})}catch(thrown){
if(!(thrown instanceof Invalid))throw thrown;api.access.rejectInvalidSubjectToken(thrown.message);return}let refusal2=refusalOf(
policy,event,token);if(refusal2!==void 0){api.access.deny(refusal2.code,refusal2.reason);return}spend(token.spends.
name,token.spends.until,now()/1e3,api.cache),setUser(settings.connection,token,api)}}function refusalOf(policy,event,{
issuer,claims:claims2}){let asked=event.transaction.requested_scopes??[];if(asked.some(scope=>refusedScopes.includes(
scope)))return{code:"invalid_scope",reason:"A job gets no refresh token: leave offline_access out."};let target=policy.
audiences.get(event.resource_server?.identifier??""),scopes=asked.filter(scope=>target?.scopes.has(scope)||!openidScopes.
includes(scope)),request={issuer,claims:claims2,target:target?.name??"",...scopes.length===0?{}:{scopes}},decision=decide(
policy,request);if(!decision.allowed){let reason=decision.code==="guardrail"?"The policy does not allow it.":reasonOf(
policy,request);return{code:decision.code==="scope"?"invalid_scope":"invalid_target",reason}}return scopes.length>
0||target?.scopes.size===decision.scopes.length?void 0:{code:"invalid_scope",reason:`Say which scopes, all or \
some of these: ${decision.scopes.length===0?"there is none for this job":decision.scopes.join(" ")}`}}function reasonOf(policy,request){
let{summary,grants}=explain(policy,request,"caller"),hints=grants.flatMap(({failing})=>failing.flatMap(({hint})=>hint===
void 0?[]:[hint]));return[summary,...new Set(hints)].join(". ").slice(0,longestReason)}function setUser(connection,{
issuer,claims:claims2},api){let job=[claims2.run_id,claims2.run_attempt,claims2.check_run_id].filter(part=>typeof part==
"string");api.authentication.setUserByConnection(connection,{user_id:workloadOf(issuer,claims2),name:String(claims2.
repository)},{creationBehavior:"create_if_not_exists",updateBehavior:"none"}),api.authentication.setActor({sub:`${issuer}\
:job:${job.join("/")}`})}function workloadOf(issuer,claims2){let{environment}=claims2,of=typeof environment=="\
string"?`:${(0,import_node_crypto4.createHash)("sha256").update(environment.toLowerCase()).digest("hex").slice(
0,16)}`:"";return`${issuer}:${String(claims2.repository_owner_id)}:${String(claims2.repository_id)}${of}`}exports.onExecuteCustomTokenExchange=openAction(POLICY,SETTINGS);
