/**
 * How people write about money in a goal, as data: the words of limits, of not buying, and of what this planner understands
 * besides. Whatever else of money stands in a goal is not understood, and then nothing is spent.
 */

export const NOT =
  "(?:(?:do|does|did|must|should|shall|can|could|may|will|would|is|are) ?n[o']?t|(?:do|does|must|should|shall|can|could|may|will|would|is|are)n't|don'?t|can't|won't|never|not|no|none|nothing|nobody|neither|nor|without|avoid|refrain from|hold off(?: on)?|instead of|rather than|stop short of|under no circumstances|by no means)";
/** Verbs and nouns of buying, in all their forms. */
const BUYING =
  "(?:buy|buys|buying|bought|purchas\\w*|regist(?:er|ers|ered|ering|ration|rations)|pay|pays|paying|paid|payments?|spend|spends|spending|spent|order|orders|ordering|ordered|reserve[sd]?|reserving|acquir\\w*|charg\\w*|invest|renew\\w*|subscrib\\w*|check ?out|transact\\w*|claim|grab)";

/** Words that may stand between a "not" or the start of a limit and what it is about. */
const FILLER =
  "(?:i|we|you|it|they|that|this|the|a|an|any|anything|one|some|my|our|your|please|ever|even|actually|really|yet|now|just|only|all|total|altogether|overall|on|in|of|for|to|be|is|are|am|was|has|have|had|get|gets|let|want|wants|like|need|needs|should|must|may|might|can|will|would|shall|going|go|goes|willing|allowed|supposed|able|if|when|as|long|but|and|so|keep|stay|set|use|make|sure|domains?|names?|hosting|everything|whole|thing|things|amount|sum|price|prices|priced|costs?|costing|spend|spends|spending|spent|pay|paying|buy|buying|register|purchase|budget|limit|cap|maximum|money|me|us|dollars?|hard|absolute|personal|try|plan|intend|mean|by|no|it's|that's|at)";
const GAP = "[\\s,:]+";
const fillers = (most: number) => `(?:${FILLER}${GAP}){0,${most}}`;

/** A number of whole dollars and cents and nothing else, so that "$5k", "1,000" or "5.555" is not read as something smaller. */
const NUMBER = "(\\d{1,9}(?:\\.\\d{1,2})?)(?![\\w]|[.,]\\d)";
const AMOUNT = `(?:(?:US|USD|USDC)?\\s?\\$\\s?${NUMBER}|(?:USDC?)\\s?${NUMBER}|${NUMBER})(?:\\s*(?:\\$|(?:US )?dollars?|bucks?|usdc?)(?!\\w))?`;
const INTERVAL =
  "(?:\\s*(?:a|per|each|every|\\/)\\s*(?:day|week|month|year)|\\s+(?:in total|total|altogether|overall|all in|or so))?(?!\\w)";
/** A bare number of these is no money. */
const OTHER_UNITS =
  "(?!\\s*(?:[KMG]B|[KMG]iB|bytes?|ms|s|seconds?|minutes?|hours?|days?|weeks?|months?|years?|characters?|chars?|words?|letters?|lines?|pages?|sections?|columns?|rows?|images?|pictures?|photos?|items?|entries|notes|people|persons?|guests?|visitors?|users?|sites?|px|pixels?|%|percent)(?!\\w))";

const AT_MOST =
  "(?:under|below|at (?:the )?most|no more than|not more than|less than|lower than|lesser than|cheaper than|fewer than|up to|max(?:imum)?(?: of)?|within|tops|<=?|≤|(?:budget|limit|cap|ceiling|maximum|max)(?: (?:of|is|to|at|be))?|capped at|limited to|limit (?:it|this|that|yourself|spending) to|(?:not|without) exceed(?:ing)?|not (?:over|above|beyond))";
const MORE =
  "(?:more than|over|above|beyond|past|in excess of|exceed(?:s|ing)?|greater than|higher than|upwards of)";
const AFTER =
  "(?:max(?:imum)?|or less|or under|or below|or cheaper|at (?:the )?most|tops|limit|budget|cap|ceiling)";

const pattern = (source: string) => new RegExp(source, "gi");

/** Every wording of "at most so much" that is understood; one of the groups is the amount. */
export const LIMITS: readonly RegExp[] = [
  // "do not spend more than $5", "never pay over 5 USD", "nothing that costs more than $5"
  pattern(
    `\\b(?:but |and )?${fillers(4)}${NOT}${GAP}${fillers(7)}${MORE}${GAP}(?:a total of )?${AMOUNT}${OTHER_UNITS}${INTERVAL}`,
  ),
  // "at most 3 dollars", "my limit is $5", "only if it costs less than $5"
  pattern(
    `(?<!\\w)${fillers(8)}${AT_MOST}${GAP}(?:about |around |a total of |of |is )?${AMOUNT}${OTHER_UNITS}${INTERVAL}`,
  ),
  // "$5 at most", "a 5 dollar budget"
  pattern(`(?<![\\w$.,])${fillers(6)}${AMOUNT}[\\s,]*${AFTER}(?!\\w)`),
];

const HOST = "[\\w-]{1,63}(?:\\.[\\w-]{1,63}){1,8}";
const NAME = `(?:(?:(?:a|an|the|any|this|that|my|our|new|another)\\s+){0,3}(?:domains?|names?|${HOST}))`;
const TO_CLAUSE_END = "(?:(?![,;!?\\n]|\\.(?:\\s|$)|\\s(?:but|and|just|then)\\s)[^]){0,200}";

/** Every wording of "buy nothing"; the whole clause is taken. */
export const FORBIDDING: readonly RegExp[] = [
  pattern(`\\b${NOT}\\s+${fillers(6)}${BUYING}\\b${TO_CLAUSE_END}`),
  pattern(`\\b${NOT}\\s+${fillers(4)}(?:get|take|add|use|want|need)\\s+${NAME}\\b${TO_CLAUSE_END}`),
  pattern(`\\b${NOT}\\s+${fillers(4)}(?:get|take)\\s+(?:it|them|one|anything)\\b${TO_CLAUSE_END}`),
  pattern(
    `\\b(?:buy|purchase|register|spend|pay|order|costs?|costing)\\s+(?:absolutely )?(?:nothing|none|no|zero)\\b${TO_CLAUSE_END}`,
  ),
  pattern(
    `\\b${NOT}\\s+${fillers(3)}(?:money|cash|cents?|pennies|penny|costs?|wallet|card|credit card|funds)\\b${TO_CLAUSE_END}`,
  ),
  pattern("\\b(?:for free|free of (?:charge|cost)|at (?:no|zero) (?:cost|charge|expense))\\b"),
];

/** In a clause that forbids, words that leave a door open or mean something else: not for a planner to guess. */
export const AMBIGUOUS =
  /\b(else|others?|another|besides|except|apart|extras?|unless|until|till|before|after|than|if|when|once|only|without|registrations?|orders?|subscri\w+|check ?out|charg\w+|reserv\w+|use|(?:get|take) (?:it|them|one|anything))\b/i;

/** What the planner does anyway: it buys only what the goal names, and no name that is not free. */
export const UNDERSTOOD: readonly RegExp[] = [
  pattern(
    `\\b(?:${NOT}\\s+(?:buy|purchase|order|register|add|get)\\s+anything else|(?:buy|purchase|order|register)\\s+nothing else|and nothing (?:else|more))\\b`,
  ),
  pattern(
    `\\b(?:if|whether|that)\\s+(?:(?!${NOT}\\b|${BUYING}\\b)[\\w-]{1,63}(?:\\.[\\w-]{1,63}){0,8}\\s+){1,5}?(?:is|are|isn't|has been)\\s+(?:already |still |not |also ){0,2}(?:un)?(?:taken|available|gone|registered|in use|free)\\b(?: already)?`,
  ),
  pattern(
    "\\b(?:whichever|the one that|the first that)(?: one)?(?: is|'s) (?:still )?(?:free|available)\\b",
  ),
  pattern("\\bfeel free\\b"),
  pattern("\\b[a-z]{2,30}-free\\b"),
  pattern("\\bcheapest\\b"),
  pattern(
    "\\b(?:pricing|price|prices|payment|budget|charges|fees) (?:page|section|list|table|tracker|calculator|app|planner|tool)\\b",
  ),
  pattern("\\bin order to\\b"),
  /\b(?:for|named|called|by|about) Max\b/g,
];

/** Words about money, or about trying without doing: where they are left over, the goal was not understood. */
export const MONEY_WORDS: readonly RegExp[] = [
  /[$€£¥₹]\s?\d[\d.,]*|\d[\d.,]*\s?[$€£¥₹]/i,
  /[$€£¥₹]/,
  /(?<![\w.])\d{1,9}[.,]\d\d(?![\w.])|(?<![\w.])\d[\d.,]{0,12}k(?!\w)/i,
  /\b(?:less|more|most|under|over|above|below|up to) (?:than )?(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|fifty|a hundred|hundred)\b/i,
  // A number after a word that limits, and no unit that tells what is counted.
  new RegExp(
    `(?<!\\w)(?:${AT_MOST}|${MORE}|at least|beneath|to spend)\\s+\\d[\\d.,]{0,12}(?!\\d)${OTHER_UNITS}`,
    "i",
  ),
  /\b(?:[\w.,]{1,20} )?(?:dollars?|bucks?|cents?|euros?|eur|usdc?|pounds|gbp|quid|money|cash|pennies|penny|wallet|credit card|coins?|grand)\b/i,
  /\b(?:spend\w*|spent|pay|pays|paying|paid|payments?|costs?|costing|costly|budgets?|price|prices|priced|pric(?:e?y|ier|iest)|limits?|limited|expens\w+|cheap\w*|afford\w*|charg\w+|fees?|maximum|max|bills?|overspend\w*|gratis|outlays?|expenditures?|unbought|unpaid|frugal\w*|thrift\w*)\b/i,
  /\bfree\b/i,
  /\b(?:dry[- ]run|simulat\w+|pretend\w*|hypothetical\w*|rehears\w+|estimat\w+)\b/i,
  /\b(?:ask|confirm with|check with|consult|wait for) (?:me|us)\b|\b(?:my|our) (?:approval|permission|consent|go-ahead|okay|ok)\b/i,
];

const DOUBT = new RegExp(
  `n't\\b|(?<!\\w)(?:${NOT}|dont|cannot|unless|until|till|before|if|when|once|later|whether|maybe|perhaps|ask|confirm|forbidden|prohibited|off the table|off limits|ruled out|unwanted|stop|skip|wait|hold|cancel|against|refuse|decline)\\b`,
  "i",
);
const OF_BUYING = new RegExp(`\\b${BUYING}\\b`, "i");

/** An order that is taken back, hangs on something else, or asks for an explanation instead: never for a planner to guess. */
export const HESITATIONS: readonly RegExp[] = [
  /\b(?:forget (?:it|that|about it)|never ?mind|chang\w+ (?:my|our) minds?|cancel (?:it|that|this|everything)|scrap (?:it|that)|on second thoughts?|(?:just|only) (?:testing|kidding|joking)|not really)\b/i,
  /(?:^|[.,;:!?]\s*)(?:actually,? )?(?:no,? )?(?:wait|stop|hold on)(?=[\s.,!?]*$|[.,!?])/i,
  /\bonly (?:if|when|once|after|where)\b|\b(?:provided|assuming|on condition)\b/i,
  /\b(?:show|tell|teach|explain)(?: (?:to )?(?:me|us))? (?:how|what|why|the steps)\b/i,
  /\bremind (?:me|us)\b/i,
  /\bcheapest (?:of|among|between)\b|\bcompare\b/i,
  /\bsub-?domains?\b/i,
];
const HYPOTHETICAL =
  /\b(?:should|shall|could|would|can|may|might|must|do|does) (?:i|we|one)\b|\bwould you\b|\bwants? to\b(?<!\b(?:i|we) wants? to)|\b(?:tomorrow|tonight|next (?:week|month|year)|on (?:mon|tues|wednes|thurs|fri|satur|sun)day)\b/i;

/** Whether a sentence speaks of buying and doubts it, in words that no pattern above took. */
export function doubtsBuying(sentence: string): boolean {
  return OF_BUYING.test(sentence) && (DOUBT.test(sentence) || HYPOTHETICAL.test(sentence));
}

/** What the planner does anyway, in a sentence that doubts nothing: it pays for what it buys, the least, within the budget. */
const HARMLESS: readonly RegExp[] = [
  pattern("\\bpay(?:ing)? for (?:it|them|that|this|everything|the (?:domain|name))\\b"),
  pattern(
    "\\b(?:(?:stay|keep|remain|staying|keeping) (?:it |this |everything )?)?(?:within|under|inside|below) (?:the|my|our|your) (?:budget|spending limit|limit|cap)\\b",
  ),
  pattern("\\bas (?:cheap(?:ly)?|inexpensive(?:ly)?) as (?:possible|you can)\\b"),
  pattern("\\b(?:spend|spending|pay|paying) as little as (?:possible|you can)\\b"),
];

/** The sentence without what is harmless in it. */
export function withoutHarmless(sentence: string): string {
  if (DOUBT.test(sentence)) return sentence;
  return HARMLESS.reduce((left, known) => left.replace(known, " "), sentence);
}

const HELD = "(?:own|have|hold|bought|registered|purchased|got|paid for|control|possess)";

/** The domain is the person's already: there is nothing to buy. */
export const OWNED: readonly RegExp[] = [
  `\\b(?:i|we)(?:'ve|'d)?(?: (?:already|do|have|currently)){0,3} ${HELD}(?: (?:already|the|a|an|my|our|this|that|domains?|names?)){0,4} ${HOST}`,
  `\\b(?:i|we)(?:'ve)?(?: have)? (?:already|currently) ${HELD} (?:it|one|that|(?:the|a) (?:domain|name))\\b`,
  `\\b(?:my|our)(?: (?:own|existing|old|current)){0,2} (?:domain|name)(?: name)?(?: (?:is|called|named))?,? ${HOST}`,
  `(?<![\\w.-])${HOST}(?:,? (?:that|which))? (?:is|'s) (?:already )?(?:mine|ours|(?:my|our) (?:own )?(?:domain|name)|owned|(?:registered|bought|paid)\\b)`,
  `(?<![\\w.-])${HOST},? (?:\\(|- )?(?:my|our) (?:(?:own|existing|old|current) )?(?:domain|name)\\b`,
  `(?<![\\w.-])${HOST},? (?:that|which) (?:i|we)(?:'ve)?(?: (?:already|have)){0,2} ${HELD}\\b`,
  "\\b(?:i|we) own (?:it|that|the (?:domain|name))\\b",
  "\\b(?:it|this|that|the (?:domain|name))(?: is|'s) (?:already )?(?:mine|ours|owned)\\b",
  "\\b(?:already|previously) (?:own|owned|bought|purchased|paid)\\b",
  "\\b(?:is|was) (?:already )?(?:in|on) (?:my|our) account\\b",
  "\\bbelongs to (?:me|us)\\b|\\b(?:registered|bought) (?:to|by|for) (?:me|us|myself|ourselves)\\b",
  "\\b(?:i|we)(?:'ve| have)? (?:registered|bought|purchased) (?:it|that|this|the (?:domain|name))\\b",
].map((source) => new RegExp(source, "i"));

/** Hostnames say nothing about money, whatever words they are made of. */
export const HOSTNAMES = /(?<![\w.$-])(?:[\w-]{1,63}\.){1,8}[a-z][\w-]{1,62}(?![\w])/gi;
