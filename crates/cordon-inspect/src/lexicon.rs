//! The words and the phrases of prompt injection, as text: a new rule is a line.
//!
//! A rule's number is how much the phrase alone says, in hundredths. Structure moves it: a quotation or talk about
//! attacks lowers it, hiding it raises it, and signals near each other add up (see [`crate::evidence`]).

pub(crate) mod addressed;
pub(crate) mod asks;
pub(crate) mod plain;

/// All that is said here, for the digest of the rules.
pub(crate) const TEXTS: [&str; 9] = [
    CLASSES,
    RULES,
    addressed::CLASSES,
    addressed::RULES,
    asks::CLASSES,
    asks::RULES,
    plain::CLASSES,
    plain::RULES,
    plain::ASKS,
];

/// Classes of words, all in lower case. Several languages share a class. A word that its language writes with marks is written so here: it
/// is read without them too, and marks on any other word of ASCII are a disguise. None that is an English word as well has any.
pub(crate) const CLASSES: &str = "
lead: please now and then just must should shall so but instead also first immediately kindly simply always will ok okay hey important note attention system user assistant human ai bot chatgpt gpt claude llm model can bitte jetzt nun und sofort por favor ahora maintenant adesso
about: to would could like as attempts attempt tries try trying says said saying called that which who an a of such by che que qui can might may asks asked attacker attackers user users tells tell told telling i we they he she it text phrases phrase words word instructions
meta: attack attacks attacker attackers injection injections jailbreak jailbreaks malicious adversarial mitigation mitigations vulnerability vulnerabilities example examples owasp detector detection detect classifier exploit
you: you u yourself
to: to
not: not don dont t never cannot nicht no ne pas nie não non niet не
doubt: or why
joins: and then but instead so und y et e но
ignore: ignore ignoring disregard disregarding forget forgetting neglect overrule dismiss discard abandon ignora ignorez ignoriere ignorieren ignorier vergiss vergesse vergessen missachte olvida olvidar olvide olvidate descarta oublie oubliez oublier dimentica ignorare esqueça esquece negeer vergeet zignoruj zapomnij ignoruj игнорируй игнорируите игнорировать забудь забудьте проигнорируи проигнорируите zaboravi ignorirai ignorisi unut yoksay ignorera glöm abaikan lupakan igmre ingore ignor forgett pomin desconsidera desconsidere
override: override overwrite erase bypass skip cancel delete supersede
prior: previous prior previously above earlier preceding foregoing before initial original past former old existing current aforementioned preceeding vorherigen vorherige vorige vorigen bisherigen vorangegangenen obigen obige davor zuvor alten anteriores anterior prévias previos précédentes précédente précédents precedenti anteriori vorige eerdere poprzednie wcześniejsze предыдущие предыдущих предыдущую выше прежние önceki tidigare sebelumnya prethodne dosadašnje initiales
all: all any every everything anything alle alles allen allem todo todas todos toda tout toutes tous tutte tutti tudo alles wszystkie все всё вce sve semua tüm alla sva
orders: assignment assignments instruktionen instruction instructions instrucitons intructions instuctions instruct directive directives guideline guidelines order orders command commands rule rules prompt prompts constraint constraints restriction restrictions programming directions policies policy protocols parameters anweisung anweisungen instruktionen instruktion befehl befehle vorgaben regeln aufgaben aufgabe aufträge instrucciones instrucción órdenes reglas indicaciones consignes consigne ordres règles istruzioni istruzione regole comandi instruções instrução regras ordens instructies opdrachten instrukcje polecenia instrukcji инструкции инструкция указания правила команды instrukcije upute naredbe talimatları talimatlar talimat instruktioner instruksi perintah
context: context text conversation messages message information training tasks task content input inputs article articles documents document chat settings data history request requests said told told thoughts things know knew learned learnt taught knowledge kontext informationen gesagt wissen weisst sabes dijo dije digo sais savoir dicho
my: my the your these those this that our its their all any of and as to everything every meine deine die den der das las los les tus sus mis tes mes vos le tue tuas suas as os moje twoje все мои свои что
system: system initial original secret hidden internal developer base starting first exact entire full complete whole confidential private above previous pre
prompt: prompt prompts instruction instructions message directive directives guidelines rules configuration config preamble instrucciones anweisungen anweisung systemprompt
reveal: reveal show print output repeat display tell give share expose disclose leak dump echo spell recite reproduce summarize summarise translate zeige zeig nenne gib wiederhole muestra muéstrame muestre revela dime imprime montre affiche révèle répète mostra rivela stampa toon pokaż покажи выведи повтори wat drucken drucke ausgeben
verbatim: verbatim exactly entirety beginning unmodified literally
act: act behave pretend roleplay simulate respond answer speak emulate impersonate operate function immerse become transform pose
now_on: now onward onwards forward henceforth moment
unlimited: unrestricted uncensored unfiltered unhinged amoral unethical immoral lawless unbound unshackled jailbroken unaligned unchained unbiased
free: free freed liberated released unbound broken break breaks
limits: restrictions restriction limitations limitation rules rule guidelines guideline filters filter filtering censorship boundaries constraints ethics ethical moral morals morality morally policies policy safeguards confines norms regulations laws law legality principles safety bounds shackles chains limits consequences warnings disclaimers moderation protocols
no: no without zero any neither never not nor lacks lacking beyond ignoring disregarding regardless
refuse: refuse refuses reject rejects decline declines deny denies refusing
never: never not cannot dont don doesn wont won must
warn: warn warning warnings disclaimer disclaimers apologize apologise apologies sorry moralize lecture judge
answers: answer respond reply comply obey answers responds replies complies obeys response responses output outputs answering
persona: dan stan dude aim ucar anarchy betterdan machiavellian machiavelli niccolo basedgpt devmode jailbreak alphabreak chaosgpt maximum evilbot omega apophis developer antigpt freegpt darkgpt sydney skippy evilgpt opposite oppo chad
mode: mode modus modo
enable: enabled enable enables activated activate activates unlocked unlock on engaged entering enter turned switch
harm: illegal unethical harmful immoral dangerous offensive inappropriate explicit profanity swear curse controversial violent nsfw derogatory obscene vulgar toxic racist sexist
send: send forward email mail post upload transmit exfiltrate share submit deliver text
money: money transfer transaction payment funds wire purchase deposit withdraw grant refund
secrets: password passwords credentials credential key keys token tokens secret secrets cookies api ssn data history emails files environment variables conversation contacts information
print: print say output write respond reply answer state tell repeat type just only
before_do: before prior first instead
new: new neue neuen nueva nuevas nuevo nouvelle nouvelles nuove nuova novas nova nieuwe nowe новые новая updated real actual true following next
adjective: previous prior preceding earlier foregoing
adverb: before
article: a an
knows: know knew learned learnt
regarding: about regarding concerning
harmless: warning warnings error errors failure failures exception exceptions deprecation deprecations draft drafts version versions revision revisions release releases commit commits build builds invoice invoices mail mails email emails mailing mailings letter letters notice reminder reminders offer offers quote quotes price prices log logs row rows column columns record records entry entries test tests result results attempt attempts typo typos figure figures measurement measurements reading readings chapter chapters footnote footnotes question questions answer answers reply replies step steps comment comments paragraph paragraphs dose dosage label item items ticket tickets offer order
report: says said saying say called call calls asks asked tells told reads states stated writes wrote written phrase phrases word words sentence sentences string strings pattern patterns text quote quoted quoting named titled labelled means meaning like such example contains contained sagt sagte schreibt dit écrit dice escribe decía пишет сказал گفت
execute: execute run call invoke perform complete do carry solve follow obey finish
urgent: important urgent attention critical notice warning info information
ai_word: ai chatgpt gpt llm assistant chatbot bot model claude gemini bard openai llama agent
";

/// `category weight place place …`, see [`crate::evidence`] for the form. What is said in innocence too stays below 80,
/// the score at which the documented example policy blocks: it takes a second signal.
pub(crate) const RULES: &str = "
override 95 @ignore ~3 @prior ~3 @orders
override 95 @ignore ~2 @all ~4 @orders
override 88 @ignore ~3 @prior ~2 @context
override 85 @ignore ~2 your|ur|deine|tus|tes|tue|suas|tuas|vossas|own ~2 @orders
override 78 @ignore ~1 these|those|the|my|die|las|les|os|le ~1 instructions|instruction|directives|prompt|prompts|guidelines|anweisungen|instrucciones|consignes|istruzioni|instruções
override 85 @ignore ~1 @all ~3 @prior
override 72 @ignore ~1 @all ~3 @context
override 85 @ignore ~1 the|everything|whatever|whats ~1 above|before|previous|preceding|said|told
override 85 @ignore what|whatever ~1 is|was|were|came|comes|stands|stood? above|before|preceding|previously|written
override 45 @ignore @all
override 82 @ignore ~2 everything|anything|whatever|alles|todo|tout ~3 said|told|know|knew|learned|learnt|taught|wrote|written|gesagt|wissen|weisst|sabes|dijo|dije|digo|sais|read
override 82 @ignore ~1 what|was you|they|he|she|we|people|somebody|someone|du|sie|man|dir|ihnen ~2 said|told|know|knew|learned|learnt|taught|wrote|written|gesagt|wissen|weisst|read
override 45 @ignore ~2 what i ~1 said|told|wrote|asked|meant
override 72 @ignore ~2 what i ~1 said|told|wrote|asked before|earlier|above|previously|so
override 85 leave|drop ~1 @all ~2 @prior ~2 @orders|@context behind?
override 85 do|don|dont|never not|t? follow|obey|listen|adhere|comply|use ~2 @my? ~1 @prior|@system ~1 @orders|@context
override 80 stop following|obeying ~2 @orders
override 80 do|don|dont not|t? look|read|use in|at? ~2 documents|context|articles|information|document|article ~1 provided|given|above
override 70 instead of following|answering|doing|responding|completing ~3 @orders|@context|question|user
override 75 @new instruction|instructions|instruktionen|anweisung|anweisungen|directive|directives|command|commands|order|orders|rule|rules|prompt|befehl|befehle|instrucciones|ordenes|consignes|ordres|istruzioni|instrucoes|instructies|инструкции|указания are|is|follow|follows|below|sind|folgen|son|sont
override 60 here|these are? ~1 @new @orders
override 70 from now_on|this|here ~1 new @orders
override 80 you ~1 must|should|will|shall|have|need ~1 to? @ignore ~3 @orders|@context|@prior
override 75 my|these instructions|orders|commands|rules|prompt|prompts supersede|supersedes|override|overrides|overwrite|replace|replaces|precede ~3 @orders|@prior|everything|all
override 55 despite|regardless|irrespective of? ~2 been? told|instructed|@prior|instructions|rules
override 60 the|your @prior @orders ~2 are|were|is|no ~2 void|invalid|cancelled|canceled|obsolete|longer|outdated|revoked|wrong|fake|test
override 58 end of ~1 @system? prompt|instructions|context|document|input
override 85 stop everything now? just|only? print|say|output|write
override 60 just|only print|say|output
override 55 stop|halt|wait everything|here|reading ~3 @print|@execute
override 48 new|next|real|actual|following task|tasks|goal|objective|assignment ~1 is|are|comes|begins|now
override 70 now|nun|ahora comes|kommt|folgen|follow ~1 a? @new ~1 task|tasks|aufgabe|aufgaben|anweisungen|instructions|instrucciones
override 65 forget|abandon|discard|erase|vergiss ~2 your|everything|all|alles ~2 thoughts|assumptions|programming|training|identity|purpose|memory|role|character
override 60 start|begin over|from|with ~2 scratch|front|new|beginning ~3 task|@orders
override 50 focus|concentrate only? on ~2 new|following|this|your task|tasks
override 88 忽 略 ~8 指 令|示
override 88 忽 略 ~8 提 示
override 88 无 视 ~8 指 令|示
override 85 无 视 ~8 规 定|则|矩
override 85 无 视 ~8 限 制
override 85 无 视 ~8 设 定
override 85 忽 略 ~8 规 定|则|矩
override 85 忽 略 ~8 限 制
override 85 忘 记|掉 ~8 规 定|则|矩
override 85 忘 记|掉 ~8 设 定
override 82 忘 记|掉 ~2 以|之 上|前 ~2 所|的|全 ~6 内|话|指|一
exfiltration 80 系 统 提 示 ~4 输|显|说|告|发|复|打|贴|列
exfiltration 80 输|显|说|告|重|打|给|展|公|透|写|列 ~8 系 统 提 示
exfiltration 80 シ ス テ ム プ ロ ン プ ト ~3 表|見|出|開|繰
exfiltration 80 シ ス テ ム プ ロ ン プ ト を ~2 教|言
exfiltration 80 シ ス テ ム プ ロ ン プ ト の 内|全|中 ~3 教|言
exfiltration 80 初|内 期|部 指|プ 示|ロ ~6 表|教|見|出|開|書|言|繰
override 85 忘 记 ~8 指 令|示
override 85 無 視 ~8 指 示|令
override 44 無 視 し て|ろ
override 85 上 記|述 ~8 無 視|忘
override 85 以 前 ~8 無 視|忘 れ?
override 85 こ れ ま で ~10 無|忘 視|れ
override 80 す べ て ~8 無|忘 視|れ
override 80 ル ー ル ~4 無|忘 視|れ
override 80 制 約|限 ~4 無|忘 視|れ
override 80 規 則 ~4 無|忘 視|れ
jailbreak 66 안전|콘텐츠|검열|윤리 필터|필터를|필터링을|장치를|제한을 ~1 끄고|꺼|꺼줘|해제|해제하고|해제해|비활성화|비활성화하고
exfiltration 72 내부|비밀|원래 지침을|지시를|지시사항을|규칙을|명령을 ~2 보여줘|보여|보여주세요|출력|출력해|알려줘|공개해|말해줘
jailbreak 72 无|無 限 制 模 式
override 72 之|以 前 ~6 规|指|设 定|则|令 ~3 作 废
exfiltration 66 你 ~2 收 到 ~3 第 一 条|句
exfiltration 62 用 户 看 不 到|见 的
override 80 이전 ~2 지시|지시를|명령|명령을|지침|지침을 ~1 무시|무시하고|무시해|무시하세요
override 85 पिछले|पिछल ~2 निर्देशों|निरदेशो|निर्देश|निरदेश
override 85 تجاهل|تجاهلي|تجاهلوا|انس|انسى|إنس ~3 التعليمات|تعليمات|تعليماتك|الأوامر|الاوامر|أوامر|القواعد|قواعد|قواعدك|القيود
override 85 تجاهل|انس ~1 كل|جميع ~3 السابقة|سبق
override 45 تجاهل|انس ~3 السابقة|السابق
exfiltration 80 اعرض|أظهر|اظهر|اكشف|اطبع|أخبرني|اخبرني|اكتب ~3 تعليماتك|تعليمات|موجه|مطالبة|برومبت|البرومبت ~2 السرية|النظام|الأولية|الأصلية|المخفية
override 80 نادیده ~1 دستورات|دستورالعمل|دستور
override 80 دستورات|دستورالعمل|دستورهای|دستور ~2 قبلی|پیشین|قبل ~1 را? ~1 نادیده|فراموش
override 85 이전|이전의|앞의|앞선|위의|모든|기존|기존의|지금까지의|이전에 ~3 지시|지시를|지시는|지시사항|지시사항을|명령|명령을|명령은|지침|지침을|규칙|규칙을|프롬프트|프롬프트를|내용을 ~2 무시|무시하고|무시해|무시해라|무시해줘|무시하세요|무시하십시오|무시하시오|잊어|잊어라|잊고|잊으세요|잊어버려|잊어주세요
exfiltration 80 시스템|초기|숨겨진 ~1 프롬프트|프롬프트를|지침을|메시지를|지시를|지시사항을|명령을 ~2 보여줘|보여|보여주세요|출력|출력해|출력해줘|출력하세요|알려줘|알려|공개해|공개하세요|말해|말해줘
override 85 指 示 ~5 無 視 し て|ろ
override 85 命 令 ~5 無 視 し て|ろ
override 85 指 示 ~5 忘 れ て|ろ
override 85 ігноруй|ігноруйте|проігноруй|проігноруйте|знехтуй|знехтуйте|забудь|забудьте ~2 попередні|попередніх|усі|всі|всіх|усіх|вказівки|ваші|свої ~3 інструкції|інструкцій|вказівки|вказівок|правила|команди|накази|настанови
exfiltration 80 покажи|покажіть|виведи|виведіть|розкрий|напиши|повтори|відкрий ~3 системний|системну|системні|початкові|приховані ~1 промпт|промт|підказку|інструкції|запит|повідомлення
exfiltration 80 покажи|выведи|раскрой|напиши|повтори ~3 системный|системную|системные|исходные|скрытые ~1 промпт|промт|подсказку|инструкции|запрос|сообщение
override 85 ignoruj|ignorujte|zapomeň|zapomeňte|zabudni|zabudnite|ignoruju ~1 na? ~1 všechna|všech|veškerá|veškeré|svá ~2 instrukce|pokyny|příkazy|pravidla|omezení
override 85 ignoruj|ignorujte|zapomeň|zapomeňte|zabudni|zabudnite|ignoruju ~2 všechny|vsechny|předchozí|predchozi|dřívější|všetky|vsetky|predchádzajúce|predchadzajuce|svoje|své ~3 instrukce|pokyny|příkazy|prikazy|pravidla|inštrukcie|instrukcie|príkazy|pravidlá
override 85 hagyd|hagyja ~1 figyelmen ~1 kívül ~4 utasítást|utasításokat|utasításaidat|szabályt|szabályokat|irányelveket|parancsot|parancsokat
override 85 felejtsd|felejtse ~1 el ~4 utasítást|utasításokat|utasításaidat|szabályt|szabályokat|parancsokat
override 85 αγνόησε|αγνοήστε|αγνοείστε|ξέχασε|ξεχάστε|ξέχνα|παράβλεψε ~2 όλες|όλους|τις|τους|προηγούμενες|προηγούμενους ~3 οδηγίες|εντολές|κανόνες
override 85 התעלם|התעלמי|התעלמו|תתעלם|שכח|שכחי|תשכח|תשכחי ~1 מכל|את|מן|מה ~2 ההוראות|הוראות|הפקודות|פקודות|ההנחיות|הנחיות|הכללים
override 85 ignorer|ignorere|glem|glemt|bortse ~3 tidligere|alle|foregående|forrige|ovenstående|samtlige ~3 instruktioner|instrukser|instruksjoner|ordrer|regler|anvisninger|beskeder|instruksjonene|instruktionerne
override 85 игнорирай|игнорирайте|забрави|забравете|пренебрегни|пренебрегнете ~2 всички|предишните|предишни|горните ~3 инструкции|инструкциите|указания|указанията|правила|правилата|команди|командите
override 85 zanemari|ignoriraj|ignorišite|ignorirajte|ignoriši|zaboravi|prezri|pozabi ~2 sve|prethodne|ranije|vsa|vse|prejšnja|prejsnja|prejšnje ~3 upute|instrukcije|uputstva|naredbe|navodila|pravila
override 85 ignoruok|ignoruokite|pamiršk|pamirškite ~3 visas|visus|ankstesnes|ankstesnius ~3 instrukcijas|nurodymus|taisykles|komandas
override 85 ignore|ignorējiet|aizmirsti|aizmirstiet ~3 visus|visas|iepriekšējos|iepriekšējās ~3 norādījumus|instrukcijas|noteikumus|komandas
override 85 ignoreeri|ignoreerige|unusta|unustage ~3 kõik|kõiki|eelnevad|eelnevaid|eelmised|varasemad ~3 juhised|juhiseid|korraldused|käsud|käske|reeglid|reegleid
override 85 ignora|oblida|oblideu|ignoreu ~2 totes|tots|les|els ~2 instruccions|ordres|règles|indicacions
override 85 পূর্ববর্তী|আগের|পূর্বের|সমস্ত|সকল|সব ~2 নির্দেশনা|নির্দেশ|নির্দেশাবলী|নির্দেশগুলি|নির্দেশনাগুলি|আদেশ ~1 উপেক্ষা|ভুলে|অগ্রাহ্য
override 85 پچھلی|پچھلے|سابقہ|تمام ~2 ہدایات|احکامات|ہدایتوں ~2 نظرانداز|نظر|بھول|بھلا
override 85 முந்தைய|அனைத்து|எல்லா ~2 வழிமுறைகளை|வழிமுறைகளையும்|அறிவுறுத்தல்களை|அறிவுறுத்தல்களையும்|கட்டளைகளை ~1 புறக்கணி|புறக்கணிக்கவும்|புறக்கணித்து|மறந்துவிடு
override 85 puuza|puuzia|sahau ~3 maagizo|maelekezo|amri ~2 yote|ya|zote|yaliyotangulia
override 85 balewalain|kalimutan|ipagwalang ~3 lahat|naunang|nakaraang ~3 tagubilin|utos|panuto|instruksyon
override 85 abaikan|lupakan ~3 semua|segala|sebelumnya|arahan|terdahulu ~2 arahan|panduan|peraturan|aturan
exfiltration 90 @reveal ~2 me|us? ~2 @my? ~1 @system ~1 @prompt
exfiltration 75 @reveal ~1 me|us? ~1 your|all|full|this|deine|tu|ton ~2 @prompt text|texts?
exfiltration 85 @reveal ~2 your ~2 initial|original|system|hidden|secret|first|exact|confidential ~1 @orders|message|text|rules
exfiltration 80 @reveal ~3 prompt|prompts text|texts
exfiltration 80 copy|repeat|print|output|spell|show ~4 full|entire|above|whole|exact|complete ~1 prompt|instructions
exfiltration 50 repeat|print|output|show ~4 full|entire|above|whole|exact|complete ~1 conversation|text|message
exfiltration 75 @reveal ~1 everything|all|text|words|content|the ~2 above
exfiltration 80 what|was|cual|quel ~1 is|are|were|was|ist|war ~1 your|the|deine|dein|tu ~1 @system ~1 prompt|instructions|instruction|message|directive|directives|anweisungen|anweisung
exfiltration 80 what|was ~1 was|is|were|stand ~1 written|said|stated|at? ~2 at? ~1 beginning|start|top ~2 of? ~1 this? prompt|conversation|chat|text|document
exfiltration 60 your ~1 instructions|prompt|rules|guidelines|directives verbatim|word|exactly|above
exfiltration 70 repeat|print|output ~1 the words|text|everything|sentence|message ~1 above|before|starting|preceding
exfiltration 80 begin|start|starting with? you are ~1 chatgpt|a|an
exfiltration 85 @send|include|append|embed|encode|put|add ~3 @secrets ~4 to|in|into|as ~3 http|https|url|link|image|markdown|webhook|server|attacker|evil|address|com
exfiltration 75 @send|append ~4 conversation|chat|credentials|passwords|password|cookies|secrets|keys|history|tokens|data|contents ~2 to
exfiltration 60 tell|give|show|reveal|share ~1 me|us ~2 your|the ~1 password|credentials|passphrase
exfiltration 60 tell|give|show|reveal|share ~1 me|us ~2 your ~1 secret|api|key|keys
exfiltration 45 tell|give|show|reveal|share ~1 me|us ~2 the ~1 api|secret
exfiltration 38 tell|give|show|reveal|share ~1 me|us ~2 the ~1 key|keys
exfiltration 55 read|cat|open|print|dump|show ~2 env|environment|passwd|ssh|id_rsa|rsa|credentials|secrets ~1 file|variables|key|keys|contents
exfiltration 78 zeig|zeige|nenn|nenne|gib|verrat|verrate|sag|sage|druck|drucke|schreib|schreibe ~3 dein|deinen|deine|deinem ~2 prompt|systemprompt|system-prompt|systemanweisungen|systemanweisung|systemnachricht|anweisungen|instruktionen
exfiltration 72 was|text|alles ~2 über|vor|oberhalb meiner|dieser ~1 ersten|nachricht|frage|eingabe ~1 nachricht|steht|stand?
exfiltration 72 muéstrame|dime|enséñame|revélame|revela|muestra|escribe ~2 mensaje|instrucciones|texto|prompt|indicaciones ~1 oculto|oculta|ocultas|ocultos|inicial|iniciales|secreto|secretas
exfiltration 72 mostrami|dimmi|rivelami|mostra|rivela|stampa|scrivi ~2 tuo|tue|tuoi ~1 prompt|istruzioni|direttive
exfiltration 72 montre|montrez|affiche|affichez|donne|donnez|révèle|révélez|dis|écris ~2 ton|votre|tes|vos ~2 prompt|instructions|consignes ~1 système|initiales|initial|cachées|secrètes
exfiltration 72 mostre|mostra|revele|diga|escreva|exiba ~2 seu|suas|teu|tuas ~1 prompt|instruções|instrucoes
exfiltration 72 toon|geef|laat|schrijf ~2 je|jouw|uw ~1 prompt|systeemprompt|instructies|systeeminstructies
exfiltration 72 pokaż|podaj|wyświetl|wypisz|ujawnij ~2 swój|swoje|twój|twoje ~1 prompt|instrukcje|polecenia
exfiltration 72 visa|skriv|ge ~2 din|dina ~1 prompt|systemprompt|instruktioner|systeminstruktioner
jailbreak 66 ora in poi ~1 sei|sarai|agirai|risponderai|comportati|rispondi
jailbreak 72 senza|privo ~2 limiti|restrizioni|filtri|censura|etica|regole ~1 o|né|e ~1 limiti|restrizioni|filtri|censura|etica|morale|regole
jailbreak 66 fais|faites|agis|agissez|réponds|répondez comme si ~1 aucune|tu|vous|il ~3 règle|règles|limite|limites|restriction|restrictions|filtre|filtres
jailbreak 72 sans ~1 aucune|aucun? ~1 limite|limites|restriction|restrictions|filtre|filtres|censure|règle|règles ~1 ni|et|ou ~1 limite|limites|restriction|restrictions|filtre|filtres|censure|éthique|morale
jailbreak 72 sin|ohne|sem ~1 ningún|ninguna|jegliche|irgendwelche|qualquer|nenhum? ~1 límites|restricciones|filtros|censura|reglas|einschränkungen|filter|zensur|regeln|limites|restrições|regras ~1 ni|und|oder|e|ou|y ~1 límites|restricciones|filtros|censura|reglas|ética|moral|einschränkungen|filter|zensur|regeln|ethik|limites|restrições|regras
override 88 @override ~3 @prior ~2 instructions|instruction|prompt|prompts|directives|guidelines|orders|programming
override 82 @override ~1 your ~2 instructions|instruction|prompt|directives|guidelines|programming|safety
override 82 @ignore @all ~3 write|say|print|schreibe|schreib|sag|sage|only|just|output|answer|respond|di|escribe|dis|écris
override 82 @ignore @all that|what|davor|zuvor|before
override 75 stop|halt|stopp|arrêt write|print|say|schreibe
override 55 stop|halt output
override 80 abweichend|entgegen|contrary|opposed ~1 zu|to ~2 @prior ~2 @orders
override 80 höre|hör nicht ~1 auf ~3 zuvor|gesagte|gesagt|anweisungen|obige
override 75 focus|concentrate|konzentriere ~2 on|auf|only ~3 new|neue ~1 task|tasks|aufgabe|orders
override 75 now|nun|jetzt ~2 your|my|a|the|deine|eine new|neue ~1 task|assignment|aufgabe|goal
override 55 well|great|good|excellent|very|wow|fantastic|perfect ~1 done|job|good|work|performance ~6 now|nun|new|further|next ~3 task|tasks|assignment|write
override 55 do|don|dont not|t|nnt? answer ~3 question ~3 according|based|provided
override 85 oublie|oubliez|ignore|ignorez ~2 instructions|consignes ~1 précédentes|précédente|initiales|antérieures
override 85 ignora|olvida|olvide|ignore ~3 instrucciones|órdenes|indicaciones ~1 anteriores|prévias|iniciales
override 85 ignora|dimentica ~3 istruzioni ~1 precedenti|iniziali
override 85 ignore|ignora|esqueça ~3 instruções ~1 anteriores|iniciais|prévias
override 85 ignorar|ignora|ignorirai ~2 @orders
override 85 önceki ~2 talimatları|talimatlar|komutları ~2 unut|yoksay|görmezden|dikkate
override 85 abaikan|lupakan ~2 instruksi|perintah|petunjuk
override 85 bỏ|hãy qua ~4 hướng|lệnh|chỉ
override 80 zignoruj|zapomnij|ignoruj ~3 polecenia|instrukcje|wcześniejsze|poprzednie
override 85 zapomnij|ignoruj|zignoruj|pomiń ~1 o? ~1 wszystkich|wszystkie|wszelkie|poprzednich|swoich|swoje ~2 zasadach|zasady|instrukcjach|instrukcje|poleceniach|polecenia|regułach|reguły|wytycznych|wytyczne
override 80 uitați|ignorați|ignora|uita ~3 instrucțiunile|instrucțiuni|toate
override 80 ignorera|glöm ~3 instruktioner|instruktionerna|allt
override 85 glöm|ignorera|strunta ~1 i? ~1 alla|dina|tidigare|föregående ~2 regler|reglerna|instruktioner|instruktionerna|riktlinjer|anvisningar|order
override 80 ohita|unohda ~3 ohjeet|aiemmat|aikaisemmat|kaikki
jailbreak 78 @limits|openai|openais ~1 rules|policies|policy|guidelines|restrictions? ~1 don|do|does|doesn|no|not ~1 t|not|longer? apply|exist|matter
jailbreak 78 without|no ~1 any? ~1 hesitation|concern|concerns|regard|care|remorse|regards ~3 for|about|or ~2 legality|ethics|ethicality|morality|legal|law|harm|safety|consequences|remorse
jailbreak 78 regardless|irrespective of ~3 legality|ethics|ethicality|morality|consequences|legal|law|harm|rules|content
jailbreak 78 @never|doesn|don|not ~1 t? ~1 care|cares|caring|worry ~2 about|for ~3 ethics|ethicality|ethical|legality|legal|morality|morals|moral|rules|law|safety
jailbreak 78 doesn|don|does|do|not|never t|not? ~1 follow|obey|abide|respect|adhere ~3 principles|guidelines|rules|ethics|morals|laws|policies
jailbreak 72 two|2 ~1 separate|different|distinct ~1 manners|personalities
jailbreak 46 two|2 ~1 separate|different|distinct ~1 styles|ways|responses|answers|paragraphs
jailbreak 72 always ~2 says|say|answer|responds|respond|do ~3 exact? opposite
jailbreak 78 disregards|disregard|ignores|ignore|violates|violating|violate|ignoring|defies ~3 @limits|ethical|legal|moral ~3 concerns|guidelines|rules|openai|policies|openais|standards|considerations|conventions|policy
jailbreak 78 pretend|imagine|suppose|become|simulate ~2 you ~2 are|re ~3 evil|malicious|hacker|criminal|terrorist|unethical|böse
jailbreak 78 evil ai|assistant|chatbot|bot|robot|language
jailbreak 72 bound|limited|restricted|constrained|governed ~1 by ~2 any ~2 @limits|ethical|moral|legal
jailbreak 78 no|without ~1 content|ethical|moral|safety|any ~1 filter|filters|censorship|principles|restrictions|guidelines|boundaries|policies
jailbreak 72 unaligned|unfiltered|uncensored|opposite ~2 output|response|responses|answer|version
jailbreak 65 take|taking on ~1 the? role|persona|identity ~3 ai|bot|model|named|called
jailbreak 50 take|taking on ~1 the? role|persona|identity ~3 character
jailbreak 72 defy|defies|defying|break|breaks|breaking|breach ~2 ai|openai|openais|conventions ~2 rules|conventions|guidelines|policies|policy
jailbreak 72 your ~1 name is now|called
jailbreak 72 answer|respond|reply|act ~2 as|like ~2 @unlimited
jailbreak 65 fictional|hypothetical|imaginary ~2 ai|language|chatbot|model ~4 @limits|no|without|not|unfiltered
jailbreak 58 mode ~1 output|enabled|activated|response|active
action 90 before|prior you ~2 solve|continue|answer|proceed|start|complete|respond|begin|finish ~9 please|must|need|should|first ~3 do|follow|execute|perform|complete|read
action 80 this is an? ~1 important|urgent ~1 message|notice|instruction
action 70 information|important|urgent|attention this is
action 35 additionally|also|then|first|furthermore ~1 please? send|transfer|email|forward|delete|share|grant|unlock|pay|wire ~5 to|all|from
jailbreak 88 do anything now
jailbreak 88 strive to avoid norms
jailbreak 80 dan|stan|dude|devmode|antigpt|betterdan|aim|ucar|jailbreak|basedgpt mode|prompt|jailbreak|version
jailbreak 78 god|sudo|unrestricted|unfiltered|uncensored|jailbreak|opposite|evil|chaos @mode ~2 @enable
jailbreak 66 developer|dev|debug|admin|maintenance|root @mode ~2 enabled|activated|engaged|unlocked
jailbreak 78 @enable|with|in|into ~2 god|sudo|unrestricted|unfiltered|uncensored|jailbreak|dan|opposite|evil mode
jailbreak 78 dan|jailbreak|sudo|god|unrestricted|uncensored mode
jailbreak 46 developer mode
jailbreak 72 in|into|with|a developer mode ~3 you|chatgpt|gpt|answer|respond|without|restrictions|content
jailbreak 72 you|chatgpt|gpt|ai|yourself ~4 developer mode
jailbreak 78 @free|freed|liberated|broken|break ~1 from|of ~3 typical? ~1 @limits|confines|openai|openais|programming|chains
jailbreak 78 broken|break|breaks|breaking free ~1 of|from
jailbreak 78 do|does|don|dont|doesn|did|not|never|no|longer|needn not|t|longer? ~2 have|need|required|bound|obliged to? ~1 abide|follow|adhere|comply|obey|respect|conform ~1 by|to|with? ~3 @limits|@orders|openai|openais
jailbreak 78 not|no|never|isn|aren|longer ~2 bound|limited|restricted|constrained|governed|restrained|subject|hindered ~1 by|to ~4 @limits|openai|openais|content
jailbreak 78 without|no|zero|any|lacks|lacking|disregarding|ignoring|ignores|regardless|beyond|free ~1 of|from? ~1 any|all|no? ~3 restrictions|limitations|filters|filter|censorship|guidelines|ethics|ethical|moral|morals|morality|safeguards|content policy|constraints|limits
jailbreak 65 no|without|any ~1 moral|ethical|legal|safety ~2 @limits|concerns|considerations|compass
jailbreak 55 no|without|any ~1 moral|ethical|legal|safety ~2 or|and
jailbreak 78 @unlimited ~2 @ai_word|response|responses|answer|answers|version|character|persona|entity|output
jailbreak 78 @ai_word|character|persona|entity|version|being ~3 @unlimited
jailbreak 78 completely|totally|fully|entirely|truly @unlimited
jailbreak 78 @never|cannot|no ~2 @refuse ~3 request|requests|anything|answer|question|questions|user|command|commands|to|a|any|me|any|order|instruction
jailbreak 78 never|not|don|dont|without|no|avoid ~1 t? ~1 say|use|include|give|add|mention|respond|using|saying ~2 sorry|apologize|disclaimer|disclaimers|warning|warnings|cannot|unethical|illegal|moral|morals|can|caveats
jailbreak 72 @never|no|without ~2 @warn ~3 me|user|that
jailbreak 55 @never|no|without ~2 @warn ~3 about|or
jailbreak 78 stay|remain|stays|remains|keep|staying ~1 in dan
jailbreak 46 stay|remain|stays|remains|keep|staying ~1 in character|persona
jailbreak 78 act|pretend|roleplay|behave|role|respond|answer|simulate|talk|reply ~1 as|to|like|be ~3 dan|stan|dude|aim|ucar|machiavelli|betterdan|evil|unfiltered|uncensored|amoral|unrestricted|jailbroken|sydney|antigpt|rude|opposite
jailbreak 38 act|pretend|roleplay|behave|role|respond|answer|simulate|talk|reply ~1 as|to|like|be ~3 developer
jailbreak 78 you are|re ~1 going|about ~1 to ~1 pretend|act|immerse|roleplay|simulate|be|play|become|respond|change
jailbreak 72 from now|this|here ~1 on|onward|onwards|forward|point|moment ~3 you|your ~3 act|are|will|respond|answer|going|is|re|must|have|role|should|speak|name
jailbreak 72 you|u are|re ~1 no longer ~2 @ai_word|bound|an|a|chatgpt
jailbreak 46 you|u are|re ~1 no longer restricted|limited
jailbreak 72 you|u are|re ~1 no longer restricted|limited ~1 by ~3 @limits|openai|openais|content|any
jailbreak 46 pretend ~1 to|you|that|as ~2 be|are|have|re
jailbreak 38 i want you to|2 act|respond
jailbreak 40 i want you to|2 roleplay|pretend|behave|simulate|imagine
jailbreak 58 immerse|transform|turn|change yourself ~1 into|in
jailbreak 78 two|2|both ~2 different|separate|distinct|ways|responses|answers|paragraphs|outputs ~6 normal|classic|standard|unfiltered|filtered|filters
jailbreak 46 two|2|both ~2 different|separate|distinct|ways|responses|answers|paragraphs|outputs ~4 one|first|ways|way
jailbreak 65 first|second|other|one ~2 normal|standard|classic|usual|default ~2 chatgpt|gpt|response|answer|ai
jailbreak 78 answer|respond|reply|responses|response|answers ~3 in two|2|both ~2 ways|responses|paragraphs|manners
jailbreak 78 @answers|do|say|generate|fulfill|produce|create|provide|write|perform ~3 any|every|all|anything|everything|whatever ~3 question|request|asked|ask|requests|questions|command|prompt|want|illegal|content|says|matter ~5 illegal|unethical|harmful|ethical|moral|legal|regardless|matter|without|immoral|refuse|restrictions|dangerous
jailbreak 72 no matter how ~2 @harm
jailbreak 78 @harm|illegal|unethical ~2 or|and|, ~1 @harm ~4 content|information|advice|things|request|requests|answers|behavior|topics|acts|activities|or|, 
jailbreak 78 even if ~4 @harm|false|made|against|wrong|violates|goes
jailbreak 78 generate|produce|create|provide|write|use|say|display ~3 @harm ~2 content|language|information|material|words|opinions|text|jokes|things|advice
jailbreak 78 bypass|bypasses|evade|circumvent|violate|violates|against|break|ignore|ignores|regardless|disregard|disregards ~2 openai|openais|content|safety|ethical|usage|moral|your ~3 @limits|guidelines|policy|policies|filters|rules|restrictions
jailbreak 65 openai|openais|anthropic ~2 policy|policies|rules|guidelines|restrictions|content|limitations|usage|ethical
jailbreak 55 google ~2 policy|policies|rules|guidelines|restrictions|content|limitations|usage|ethical
jailbreak 72 jailbroken|unlocked
jailbreak 46 jailbreak
jailbreak 72 has|have|with|having ~2 no ~2 @limits|morals|ethics|filters|restrictions|restrictions|boundaries|remorse|conscience|empathy
jailbreak 65 hypothetical|fictional|theoretical|imaginary ~1 story|scenario|world|response|situation|universe|character ~8 @limits|@harm|illegal|rules|bomb|ai|dialogue|no
jailbreak 65 lose|losing|deduct|deducted|deduction|have|has|start|minus ~3 tokens|token|points|lives ~8 die|lose|refuse|reject|cease|forced|zero|shut|time|deducted|character
jailbreak 65 cease|ceases to exist|be
jailbreak 46 my deceased|late|dead grandmother|grandma|granny
jailbreak 66 act|pretend|behave|be|you ~4 my deceased|late|dead grandmother|grandma|granny
jailbreak 65 start|begin|starts|begins|starting ~2 your|response|answer|reply|every|the|with ~3 with ~3 sure|absolutely|certainly|yes|here|of
jailbreak 78 sure here is|are|s ~4 how|guide|tutorial|step|detailed|instructions|script|list
jailbreak 58 evil|malicious|villain|amoral|rogue|dark ~1 confidant|ai|assistant|trusted|bot|chatbot|twin|character|mastermind
jailbreak 72 always|never ~1 @answers|comply|obey|obeys|answers|responds|complies ~4 refuse|without|illegal|regardless|matter|unethical|question
jailbreak 65 cannot|can|t|won|don|not|wont ~1 t? ~1 say|refuse|answer|comply ~2 no|that|it|with ~3 @limits|against|sorry|policy
jailbreak 65 access|browse|information|internet ~4 not been verified|verified
jailbreak 65 unverified|uncensored|unfiltered ~1 information|content|opinions|answers
jailbreak 58 if you understand|understood|agree ~3 say|respond|reply|type|write|answer
jailbreak 58 fulfill|follow|obey|comply|complete ~2 any|all|every|my|user ~1 request|requests|order|orders|command|commands|wishes|demands
jailbreak 65 simulate|emulate|imitate ~3 @unlimited|dan|jailbroken|developer|unfiltered|without|no
jailbreak 78 dan|stan|dude|devmode|betterdan|anarchy|ucar can|will|does|is|would|never|answers|has|should|must|as|stands|mode
jailbreak 78 aim can|will|does|would|never|answers|has|must|stands|mode
jailbreak 30 aim is|should|as
jailbreak 65 as the name suggests
jailbreak 65 you ~1 will|must|should|shall|can|are ~3 swear|curse|cuss|insult|nsfw|profanity|vulgar
jailbreak 58 swear|curse|cuss|profanity|nsfw|vulgar ~3 words|content|every|language|openly|allowed|like
jailbreak 65 have|has|having ~1 own opinions|personality|feelings|thoughts|will|free
jailbreak 65 ich möchte dass sie|du als ~4 fungieren|agieren|handeln
jailbreak 58 du bist|bist kein|keine ~3 sondern|ki|redaktion|assistent
jailbreak 65 stell dir vor ~1 du|sie bist|waeren|wäre|wären ~2 böse|ki|ai|ein|eine
action 85 before|prior ~3 you|do|doing|can|solve|answering|proceeding|solving ~4 please|first|must|need|should ~3 following|task
action 85 before|prior ~3 solve|answering|solving ~4 please|first|must|need|should ~3 @execute
action 60 before|prior ~3 you|do|doing|can|proceeding ~4 please|first|must|need|should ~3 @execute
action 90 please ~1 first @execute|do|perform|complete ~2 following task|instruction|instructions|action|steps|tasks
action 90 important|urgent|attention message|notice|instruction|instructions|note ~2 from me|emma|user|the|system|admin|administrator|your|developer
action 75 todo|to-do @execute|send|visit|transfer|share|follow|click|please
action 75 dear ai|llm|llms|chatgpt|chatbot|language
action 40 dear assistant|agent|model|bot
action 80 attention|hey|hello|hi|note ~1 all? @ai_word|agents|llms|models|assistants ~4 must|please|ignore|you|execute|do|reading|should|process|processing
action 75 if you are|re an? ai|llm|language|assistant|chatbot|agent|large|model
action 70 note|instruction|instructions|message|attention ~1 to|for ~1 the? ~1 ai|llm|assistant|chatbot|agent|chatgpt|language|automated ~1 model|assistants|agent|systems|reviewer|reviewers
action 75 strictly adhere|follow|obey ~1 to|the? ~2 following|instruction|instructions
action 40 @execute ~1 the? following instructions|instruction
action 55 without|do ~1 not? ~1 asking|telling|informing|mentioning|notifying|notify|tell|inform|mention|alert ~2 the|user|this|confirmation|anyone|to|it ~1 user|permission|confirmation|them|owner|else
action 55 don|dont|not|never t? ~1 tell|inform|mention|reveal|notify|alert ~2 user|owner
action 38 don|dont|not|never t? ~1 tell|inform|mention|reveal|notify|alert ~2 anyone|this|them
action 65 you must|should|need|have|will ~1 to? ~1 call|use|invoke|execute|run ~2 tool|function|tools|functions
action 40 you must|should|need|have|will ~1 to? ~1 call|use|invoke|execute|run ~2 command|code
action 60 transfer|wire|send|pay|make ~1 a? ~3 payment|transaction|money|funds|bitcoin|usd|eur|dollars ~6 to|account|iban|wallet
action 55 unlock|disable|grant|delete|modify|remove|open|turn ~2 all|the|my|front|back|access|security|every|user ~3 door|doors|alarm|system|files|emails|account|accounts|permissions|records|access|lock
action 50 visit|click|go|navigate|open|browse ~2 this|the|following|to ~1 link|url|website|site|page ~4 and|to|execute|download
action 55 retrieve|fetch|get|collect|gather|find|extract|view|access ~4 data|information|address|addresses|records|details|history|contacts|messages|transactions ~3 send|email|forward|share ~3 to|it|them
action 60 @send ~3 email|message|mail|details|results|it|them|copy ~4 to ~1 attacker|evil|amy|hacker|external|mark
";
