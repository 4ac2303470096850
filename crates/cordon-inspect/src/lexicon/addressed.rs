//! The words and the phrases of texts that speak to whoever reads them for a person: a page, a mail or a comment that turns to the model. As
//! [`crate::lexicon`], which says how a line is read.
//!
//! Where people write, what they want of a model is no finding: such phrases count little there (see [`crate::evidence`]). An address alone says
//! little too ("Dear assistant, thank you for your help"): an order has to follow.

/// Classes of words, all in lower case, with the marks with which their languages write them.
pub(crate) const CLASSES: &str = "
to_ai: ai ais llm llms chatgpt gpt copilot gemini claude assistant assistants bot bots chatbot chatbots agent agents summarizer summarizers summariser summarisers crawler crawlers scraper scrapers
to_ai_only: ai ais llm llms chatgpt gpt copilot chatbot chatbots summarizer summarizers summariser summarisers
to_kind: model models assistant assistants agent agents bot bots system systems reviewer reviewers reader readers summarizer summarizers tool tools crawler crawlers parser parsers
to_do: please kindly must should shall do only always never ignore disregard forget send forward include add append insert set mark classify rate rank score approve accept reject recommend write say state answer respond reply tell report print output give make show delete remove export upload email post share grant issue refund transfer call run execute use visit open fetch read summarize translate stop skip treat consider tag assign
to_head: note notice instruction message memo attention reminder directive task
to_trade: coding browser browsing autonomous crawling shopping trading notetaking notetaker screening transcription summary summarization summarisation summarizing summarising grading translation ranking recommender
to_trades: agent agents assistant assistants bot bots ai ais model models tool tools helper helpers software service services engine engines
to_act: fill navigate pause finish begin start conclude transmit attach commit push cite quote leave put sign dm cc invite order buy book change update rewrite replace suppress drop swap copy look search grab find list note assume
to_ki: ki ai sprachmodell sprachmodelle chatbot assistenten
to_reads: read reads reading summarize summarizes summarizing summarise summarises summarising process processes processing handle handles handling review reviews reviewing parse parses parsing analyze analyzes analyzing analyse analyses analysing evaluate evaluates evaluating screen screens screening rate rates rating index indexes indexing classify classifies classifying answer answers answering grade grades grading triage triages triaging translate translates translating
to_favour: skip ignore approve accept overlook waive pass raise give rank prefer hide omit praise describe recommend mention state tell say forward send score rate
to_liest: liest lesen zusammenfasst zusammenfassen verarbeitet verarbeiten auswertet auswerten bewertet bewerten prüft sichtet bearbeitet
to_tu: nenne gib schreibe schreib bewerte empfiehl empfehle verschweige antworte sage sag füge sende leite ignoriere setze markiere lösche erwähne stelle teile bestätige genehmige stufe
to_ia: ia asistente assistant asistentes modelo modèle modello assistente chatbot agente
";

/// The rules. In documents and results of tools each says a fifth more.
pub(crate) const RULES: &str = "
action 70 @to_head ~1 to|for ~2 @to_ai_only ~1 @to_kind? ~3 @to_do
action 70 @to_head ~1 to|for ~2 @to_ai ~1 @to_kind? ~3 @to_do
action 66 to|for|all @to_ai_only @to_kind ~2 @to_do
action 62 @to_ai_only @to_kind ~1 @to_do
action 62 ai coding|support|email|hiring|screening|mail @to_kind ~8 @to_do
action 75 if ~3 reader|you|document|page|text|this|message|email|file|content ~1 is|are|being|re ~2 an? ~1 @to_ai_only|automated|language ~4 @to_kind
action 75 if ~3 document|page|text|message|email|file|content ~1 is ~1 being? ~1 read|parsed|processed|summarized|summarised|analyzed|analysed|reviewed|scanned by ~1 an? @to_ai|automated|language
action 70 dear @to_ai ~1 @to_kind? ~2 @to_do
action 70 dear ~1 support|helpful|ai|coding|email @to_ai ~2 @to_do
action 66 assistant|copilot|chatgpt|claude|gemini|llm export|send|forward|delete|email|upload|transfer|grant|approve|suggest|append|insert|ignore|disregard
action 62 copilot|chatgpt|assistant|claude|gemini|llm ~1 from here|now on ~2 @to_do
action 62 assistant|model|ai|agent|llm|bot|chatbot ~3 must|shall|has|needs ~1 to? ~1 include|send|append|insert|forward|state|reveal|paste|put ~5 key|keys|token|tokens|password|passwords|credentials|secret|secrets|conversation|history|http|https|shall|positive|approved
action 62 @to_ai|@to_kind ~1 summarizing|summarising|reading|processing|reviewing|parsing|analyzing|analysing this ~2 @to_do
action 66 @to_head ~1 to|for all? automated ~1 tools|systems|agents|assistants|readers|reviewers|processors|scripts|crawlers|parsers ~8 @to_do
action 62 to|for ~1 the|any|whatever @to_ai_only|bot|bots|agent|assistant|model ~1 that|who|which|whoever @to_reads|s ~6 you|please|@to_do
action 62 to|for @to_ai_only ~1 or|and whoever|whatever|anyone|any|other ~6 @to_do
action 54 @to_ai_only @to_reads ~5 should|must|shall ~1 @to_do
action 60 @to_ai_only ~1 that|which|who @to_reads ~5 could|should|must|would|please|kindly ~1 @to_favour
action 62 when|while|before answering|summarizing|summarising|processing|reviewing|asked|describing ~4 this|these page|document|text|email|file|message|article|section|post|product|listing|ticket|record ~2 @to_ai|model|models ~1 should|must|shall|needs|has|please|@to_do
action 62 ask|request|invite|urge|want|expect any|every|all|the|whatever language model|models ~2 used|reading|evaluating|involved|processing|reviewing|that|which|who ~8 to @to_do|describe|mention
action 62 ask|request|invite|urge|want|expect any|every|all|the|whatever @to_ai_only ~2 used|reading|evaluating|involved|processing|reviewing|that|which|who ~8 to @to_do|describe|mention
action 62 @to_ai|model when|if|while|whenever|once you ~1 @to_reads ~3 @to_do
action 66 you the|an? @to_ai_only|assistant|model|agent ~1 reading|processing|summarizing|summarising? ~1 must|should|shall|have|will|are|need
action 60 store|save|remember|keep|record|write this|that ~1 preference|instruction|rule|fact|directive|information? ~1 in|to ~2 memory|long-term
exfiltration 58 print|dump|paste|echo|output|list ~2 environ|env|environment ~1 variables? ~5 paste|post|include|send|upload|comment|append
action 66 @to_trade @to_trades ~1 @to_do
action 66 @to_trade @to_trades first|always|also|now? @to_act
action 66 note-taking|screen-reading|page-reading|mail-reading @to_trades first|always|also|now? @to_do|@to_act
action 66 dear ~2 model|models|ai|agent|bot ~6 @to_do|@to_act
action 66 for|to whichever|whatever ~2 bot|agent|assistant|model|notetaker|summarizer|ai ~6 @to_do|@to_act
action 66 ai pair|code programmers|programmer|assistants|reviewers|reviewer ~1 @to_do|@to_act
action 62 important|attention ~1 for|to ai answers|summaries|overviews|results|readers|agents|bots ~2 @to_do|@to_act
action 66 agent-directive|ai-directive|llm-directive|agent-instruction|ai-instruction|agent-note|ai-note ~6 @to_do|@to_act
action 66 addendum|remark|note|notice|message|instruction|instructions|rule|rules|update|text for|to ~1 @to_trade @to_trades
action 62 application|applicant|interview bots|bot ~1 @to_do|@to_act
action 60 automated|automatic|ai|machine-based summarisation|summarization|analysis|translation|screening|review ~1 services|tools|systems|service|tool|system|software ~5 shall|must|should ~2 @to_do|@to_act|state|advise|identify
action 60 analysed|analyzed|processed|read|summarised|summarized by software|machine|machines|ai ~3 shall|must|should ~3 state|say|identify|advise|include|send|transmit|omit
action 66 ai that|which|who reads|read|is|has ~3 reading|read|this|it|page|text|file|field ~4 @to_do|@to_act
action 60 whatever|whichever|any question|query ~2 retrieves|retrieved ~1 this chunk|passage|page|text|section
action 62 save|store|commit|add ~2 long-term|persistent|permanent memory
action 64 next request|task|instruction|command|message from ~1 user
action 58 before|prior ~1 to? using|calling|invoking this tool|function ~2 read|open|cat|load|fetch|send|call ~6 pass|include|put|send|content|contents|parameter|argument|note
action 58 suppress|omit|exclude|remove|hide|drop ~1 this|these ~1 notice|line|note|message|section|paragraph|instruction ~2 in|from your|the ~1 report|summary|answer|reply|findings|output|response|copy|version
action 62 user|customer|developer|owner ~1 has|have ~1 already? approved|agreed|consented|authorised|authorized|confirmed|requested ~8 do|without not|don|asking|confirmation|confirm
action 58 do|don not|t ask ~1 the? user|developer|customer|owner|programmer ~1 for? confirmation|permission|approval
action 62 finish|end|begin|start|conclude|close ~1 the|your|every|each|any reply|answer|response|summary|replies|answers|responses with ~10 http|https|link|guide|password|login|image
action 62 header|parameter|field|argument ~3 set|equal|filled ~1 to|with ~5 api|access|secret|your ~2 key|token|password|credential|credentials
action 66 liebe|lieber|liebes|hallo|hey|achtung @to_ki ~3 @to_tu
action 66 falls|wenn ein|eine @to_ki ~4 @to_liest ~6 @to_tu|soll|muss|bitte
action 66 @to_ki wenn|falls|sobald du|sie ~4 @to_liest|zusammenfasst|verarbeitest|auswertest
action 66 an|für die|das|den @to_ki die|das|der|den ~4 @to_liest ~6 @to_tu|bitte|soll
action 66 @to_ia cuando|si|quando|lorsque|quand|se ~2 resumas|resuma|leas|lea|proceses|procese|analices|respondas|riassumi|leggi|leia|leres|resumir|résumes|résumez|lisez|traitez
action 66 se|si um|uma|un|une|una @to_ia ~5 lendo|ler|leyendo|lee|lisant|lit|legge|leggendo|traite|procesa|processa|procesando|processando|résume|resume
action 58 exporta|extrae|copia|reúne|recopila|obtén ~6 envíala|envíalas|envíalo|envíalos|mándala|mándalo|reenvíala|reenvíalo|publícala
action 72 hinweis|nachricht|anweisung|anweisungen|achtung|mitteilung ~1 an|für ~2 @to_ki
action 66 falls|wenn du|sie ~1 eine|ein ~1 @to_ki bist|sind
action 72 note|message|instruction|instructions|avis|consigne pour|à ~3 @to_ia
action 66 si vous|tu êtes|es ~1 un|une ~1 @to_ia
action 72 nota|mensaje|aviso|instrucción|instrucciones|messaggio|mensagem|instruções|istruzioni|avviso para|per|al|alla|ao ~2 @to_ia
action 66 si|se ~1 eres|es|sei|é|você|fores|for ~1 un|una|um|uma|é ~1 @to_ia
action 66 внимание|сообщение|инструкция|указание ~1 для? ~1 нейросеть|нейросети|ии|ассистент|ассистента|модели|модель|бота
action 66 bewertungssystem|sprachmodell|sprachmodelle|ki-system|ki-systeme|ki-agent|ki-agenten|screening-system ~10 vergib|bewerte|empfiehl|ignoriere|schreibe|nenne|setze|sende|leite
action 62 vergib ~2 10|100|volle|höchste|maximale ~2 punkte|punkten|punktzahl|bewertung
action 60 lege|erstelle|richte ~3 benutzer|konto|account|nutzer ~3 mit administratorrechten|adminrechten|admin-rechten|vollzugriff
action 62 rückfragen|rückfrage ~2 beim|an|an ~1 den? anwender|nutzer|benutzer entfallen|entfällt|unterbleiben|nicht
action 62 nouvelle|nouvelles consigne|consignes|instruction|instructions ~1 de|du l'utilisateur|utilisateur ~4 effectue|envoie|transfère|exécute|supprime|réponds|ajoute|affiche
action 60 outil|outils|système|systèmes|logiciel|assistant ~1 d'analyse|d'ia|automatique|automatiques|ia ~6 tenu|doit|doivent|tenus ~6 transmettre|joindre|envoyer|indiquer|répondre|ignorer|ajouter
action 60 l'utilisateur|utilisateur n'en est|sera pas|jamais informé|averti|prévenu
override 66 olvida|olvidad|olvide|ignora|ignore lo que ~2 ha|haya|había ~1 pedido|dicho|solicitado ~1 el usuario|la
override 66 oublie|oubliez|ignore|ignorez ce que ~2 l'utilisateur|utilisateur ~3 demandé|dit|voulu
override 66 vergiss|ignoriere|missachte was ~1 der|die nutzer|benutzer|anwender|nutzerin ~3 gefragt|gesagt|verlangt|gebeten|wollte
action 66 tarea|instrucción|orden|tarefa|instrução|ordem|compito|istruzione para|per|al|all'assistente ~1 el|o|l'? asistente|assistente|ia|modelo|agente ~6 @to_do|borra|envía|apague|envie|elimina|invia|añade|ignora|busca|escribe|diga|di
action 66 atenção|atención|attenzione|attention ~2 modelos|modelo|modelli|modèles|asistentes|assistentes ~2 linguagem|lenguaje|linguistici|langage|ia ~6 ao|al|afirmem|digan|digam|dite|citez|ne|não|no|recomienden|ignorem|ignoren
action 60 asistente|assistente|assistant|bot invita|envía|borra|envie|apague|elimina|añade|adiciona|convide|transfiere|transfira
action 66 per|para chi|quem|quien elabora|processa|procesa|riassume|resume|legge|lê|lee ~4 testo|texto|documento|messaggio|mensaje|pagina|página ~4 automatico|automáticamente|automaticamente|automática|macchina
action 66 aan de|het ~1 ai|code-assistent|assistent|taalmodel|ai-assistent|chatbot|ai-agent ~6 zet|stuur|voeg|negeer|schrijf|verwijder|geef|noem|antwoord|push|vermeld|zeg
action 66 polecenie|instrukcja|uwaga|wiadomość|informacja dla ~1 asystenta|modelu|ai|bota|agenta|chatbota|modeli
override 66 تجاهل طلب|طلبات|تعليمات|أوامر ~1 المستخدم|المستخدمين
action 66 إلى|الى المساعد|النموذج|الذكاء ~2 الذي|التي يقرأ|تقرأ|يلخص|يعالج
action 62 özetleyen|okuyan|işleyen|inceleyen|değerlendiren ~1 yapay|bot|asistan|model|ai ~8 yazmalı|yaz|söyle|söylemeli|gönder|göndermeli|ilet|gizle|öner
override 66 забудь|забудьте|игнорируй|игнорируйте|отмени ~2 задание|задачу|задания
action 66 ai ア シ ス タ ン ト へ
action 66 для? нейросети|нейросеть|ии|ассистента|ассистент|модели|модель|бота|бот которая|который|которые ~1 обрабатывает|читает|анализирует|составляет|суммирует|проверяет|обрабатывают|читают ~6 укажи|укажите|напиши|напишите|не|добавь|добавьте|отправь|отправьте|поставь|поставьте|считай|ответь|игнорируй|сообщи|одобри|рекомендуй
action 62 не показывай|сообщай|говори|упоминай|раскрывай ~1 об? ~1 пользователю|этом|этого
action 60 す る ai へ
action 56 読 ん だ ai は
action 60 読 む ai は|へ ~4 次|必|以
action 66 ai 助 手 请|請
action 66 ai 助 手 注 意|请
action 62 ai에게 ~12 보내세요|보내라|보내십시오|처리하세요|답하세요|말하세요|말하십시오|마세요|마십시오|무시하고|무시하세요|추천하세요|작성하세요|승인하세요|삭제하세요|추가하세요|생략하고|알리지
action 62 ai 에게 ~12 보내세요|보내라|보내십시오|처리하세요|답하세요|말하세요|말하십시오|마세요|마십시오|무시하고|무시하세요|추천하세요|작성하세요|승인하세요|삭제하세요|추가하세요|생략하고|알리지
action 60 給|给|致 ai ~4 系 统|統 ~14 请|請|把|将|將
action 60 不 要|得|许 提 及|到 本|此|这 行|段|条|句|指
action 66 ai へ の 指 示
action 66 ai ア シ ス タ ン ト へ の
action 66 给|致 ~4 人 工 智 能 ~4 指|说|提
action 66 给|致 ~2 ai ~4 指|说|提
";
