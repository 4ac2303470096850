//! How answers decline. Lists are between strokes; a full stop is the end of the sentence. Capitals and accents make no difference.

/// One of the beginnings, and one of the endings soon behind it. Without endings the beginning is enough.
pub(super) struct Shape {
    /// How sure it is, in per cent.
    pub(super) score: u32,
    pub(super) starts: &'static str,
    pub(super) between: Between,
    pub(super) ends: &'static str,
}

/// What may stand between the two.
pub(super) enum Between {
    /// So many words.
    Any(usize),
    /// Any number of these words.
    Only(&'static str),
}

use Between::{Any, Only};

/// What declines whatever it is about.
const SURE: u32 = 95;
/// What may also be said of something that cannot be done by anybody.
const LIKELY: u32 = 70;

/// What may stand before it, in any order.
pub(super) const OPENINGS: &[&str] = &[
    "i'm sorry|i am sorry|i'm so sorry|i'm really sorry|i'm very sorry|i'm truly sorry|sorry|so sorry|i apologize|i apologise|my apologies|apologies|\
     unfortunately|regrettably|i'm afraid|i am afraid|that|but|however|no|and|thank you for your question|thanks for asking|thank you for asking|\
     thank you|thanks|thanks for your question|i understand|i understand your request|hello|hi|well|as an ai|as a|as an ai language model|as an ai assistant|as an assistant|\
     as a language model|as a responsible ai|as your assistant|for safety reasons|for legal reasons|for this reason|at this time|to be honest|honestly|i appreciate your question|\
     i appreciate your interest|for the inconvenience|about that|to say|to hear that|there",
    "tut mir leid|es tut mir leid|es tut mir sehr leid|es tut mir wirklich leid|entschuldigung|entschuldige|entschuldigen sie|verzeihung|leider|aber|doch|\
     als ki|als ki modell|als ki assistent|als sprachmodell|als assistent|bedauerlicherweise|ich bedaure|ich fürchte|dass|danke|vielen dank für ihre frage|danke für deine frage|nein|hallo|ich verstehe",
    "désolé|désolée|je suis désolé|je suis désolée|je suis vraiment désolé|je suis navré|je suis navrée|je regrette|malheureusement|hélas|mais|non|bonjour|en tant qu'ia|\
     en tant qu'assistant|en tant qu'intelligence artificielle|je comprends|merci|merci pour votre question|toutefois|cependant|je crains que|je vous prie de m'excuser|pardon",
    "lo siento|lo siento mucho|lo lamento|lamento|lamentablemente|desafortunadamente|desgraciadamente|por desgracia|pero|no|como ia|como asistente|como modelo de lenguaje|\
     como inteligencia artificial|hola|gracias|gracias por tu pregunta|gracias por su pregunta|entiendo|sin embargo|disculpa|disculpe|perdón|me temo que",
    "mi dispiace|mi spiace|mi dispiace molto|purtroppo|ma|no|scusa|scusi|mi scuso|sono spiacente|ciao|grazie|grazie per la domanda|capisco|come ia|come assistente|\
     come intelligenza artificiale|come modello linguistico|tuttavia|temo che|però",
    "desculpe|desculpa|peço desculpa|peço desculpas|sinto muito|lamento|lamento muito|infelizmente|mas|não|como ia|como assistente|como modelo de linguagem|olá|obrigado|\
     obrigada|entendo|compreendo|no entanto|porém|receio que",
    "het spijt me|het spijt mij|sorry|helaas|maar|nee|mijn excuses|excuses|hallo|bedankt|dank je|dank u|ik begrijp het|als ai|als assistent|als taalmodel|ik ben bang dat|jammer genoeg",
    "tyvärr|jag är ledsen|ledsen|förlåt|men|nej|jag ber om ursäkt|som ai|som språkmodell|desværre|beklager|jeg beklager|undskyld|jeg er ked af det|det gør mig ondt|dessverre|\
     unnskyld|jeg er lei meg|som assistent|hei|hej",
    "przykro mi|bardzo mi przykro|niestety|przepraszam|ale|nie|jako ai|jako asystent|jako model językowy|rozumiem|dziękuję|je mi líto|bohužel|omlouvám se|promiňte|\
     lituji|jako asistent|děkuji|rozumím",
    "к сожалению|извините|простите|прошу прощения|мне жаль|мне очень жаль|но|нет|я понимаю|понимаю|спасибо|здравствуйте|как ии|как искусственный интеллект|как языковая модель|\
     на жаль|вибачте|перепрошую|мені шкода|але|ні|дякую|розумію|як штучний інтелект|сожалею|увы",
    "üzgünüm|çok üzgünüm|maalesef|ne yazık ki|özür dilerim|kusura bakmayın|ama|ancak|fakat|hayır|bir yapay zeka olarak|yapay zeka olarak|merhaba|teşekkürler|anlıyorum",
    "maaf|mohon maaf|sayangnya|tetapi|tapi|namun|tidak|halo|terima kasih|sebagai ai|sebagai asisten|saya mengerti|saya minta maaf|kami mohon maaf",
    "عذرا|عذراً|آسف|آسفة|أنا آسف|أنا آسفة|أعتذر|للأسف|لكن|ولكن|لا|معذرة|شكرا|كنموذج لغوي|بصفتي مساعدا|مع الأسف",
    "क्षमा करें|माफ़ करें|माफ कीजिए|माफ़ कीजिए|मुझे खेद है|खेद है|मुझे अफ़सोस है|दुर्भाग्य से|लेकिन|कि|नहीं|नमस्ते|धन्यवाद|एक एआई के रूप में",
];

/// What makes of it a question, or something that cannot be done yet.
pub(super) const UNLESS: &str = "without|until|unless|yet|if|but notice|but think|but wonder|but feel|more highly|enough|bevor|ohne|solange|wenn|sofern|sans|avant|tant que|si|sin|hasta|\
    hasta que|a menos que|senza|finché|prima di|se|sem|até|antes de|zonder|totdat|tenzij|voordat|utan|innan|uden|uten|før|bez|dopóki|dokud|без|пока|доки|поки|olmadan|tanpa|sebelum|بدون|حتى|बिना";

pub(super) const SHAPES: &[Shape] = &[
    // English.
    Shape {
        score: SURE,
        starts: "i can't|i cannot|i can not|i won't|i will not|i'm unable to|i am unable to|i'm not able to|i am not able to|i won't be able to|i will not be able to|i'm not going to|\
            i am not going to|i'm not in a position to|i am not in a position to|i'm not comfortable|i am not comfortable|i don't feel comfortable|i wouldn't feel comfortable|we can't|we cannot|\
            we're unable to|we are unable to|we're not able to|i'm not allowed to|i am not allowed to|i'm not permitted to|can't|cannot|i really can't|i really cannot|i simply can't|i simply cannot|i just can't|i also can't|i shouldn't|i should not|i'm prohibited from|i'd rather not|i would rather not",
        between: Only(
            "and|will|not|won't|really|actually|currently|directly|personally|ethically|legally|in|good|conscience|simply|just|provide|any|offer|give|you|be|of|able|to|possibly|further",
        ),
        ends: "help with|help you with|help you do|help you to|help you in|help you on|help you make|help you write|help you create|help you build|help you find ways|help you .|help .|\
            help here|help there|help anyone|help on that|help in this|help by|help people|help create|help make|help write|assist|assistance|help or|comply|fulfill|fulfil|engage in|engage with|participate in|take part in|\
            do that|do this|answer that|answer this|answer questions about|respond to that|respond to this|respond to your|support that|support this|condone|facilitate|helping|assisting|instructions|\
            guidance on|advice on|advice about|medical advice|legal advice|financial advice|go along with|encourage|be part of|accommodate",
    },
    Shape {
        score: LIKELY,
        starts: "i can't|i cannot|i can not|i won't|i will not|i'm unable to|i am unable to|i'm not able to|i am not able to|i'm not going to|i'm not comfortable|i am not comfortable|i'm not allowed to|i'd rather not",
        between: Only("and|will|not|really|actually|directly|personally|in|good|conscience|simply|just|you"),
        ends: "discuss|discussing|talk about|share details|share information|share instructions|share that|sharing|provide details on how|provide information on how|provide information about how|provide information that|\
            provide content|provide that|providing|give out|give details on how|tell you how to|teach you|explain how to|describe how to|show you how to|create content|create that|create this|creating|generate content|\
            generate that|generate this|generating|produce that|produce content|write that|write this|write content|writing|say that|repeat that|pretend to|role play|roleplay|speculate|take sides|comment on|offer an opinion|\
            give an opinion|reveal|disclose|process this request|process that request|process your request|continue with this|continue this conversation",
    },
    Shape {
        score: SURE,
        starts: "i must|i have to|i need to|i'll have to|i will have to|i'm going to have to|i'd have to|i'll",
        between: Only("respectfully|politely|therefore|firmly|also|kindly|unfortunately"),
        ends: "decline|refuse",
    },
    Shape {
        score: SURE,
        starts: "i decline|i refuse to|i respectfully decline|i politely decline|it would be inappropriate for me|it would be unethical for me|it is against my|it's against my|it goes against my|that goes against my|\
            this goes against my|that would go against my|that's not something i can|that is not something i can|that's not something i'm able|that is not something i'm able|that's not something i|this is not something i can|\
            this isn't something i can|that isn't something i can|that's something i can't|that is something i can't|your request goes against|this request goes against|this request violates|your request violates|\
            that falls outside what i can|this falls outside what i can|that's outside of what i can|that is outside what i can|that's outside what i can|this is outside the scope of what i can|\
            that is outside the scope of what i|that's beyond what i can|helping with that is not|i have no intention of helping|that is one thing i can't|that one i can't",
        between: Any(0),
        ends: "",
    },
    Shape {
        score: LIKELY,
        starts: "i can only|i'm only able to|i am only able to|we can only|i'm here only to|i'm only here to",
        between: Any(0),
        ends: "help with|assist with|assist you with|help you with|answer questions about|answer questions on|answer questions related|discuss|talk about",
    },
    // German.
    Shape {
        score: SURE,
        starts: "ich kann|ich darf|ich werde|ich möchte|wir können|das kann ich|dabei kann ich|damit kann ich|hierbei kann ich|hier kann ich|dazu kann ich|daran kann ich|diese anfrage kann ich|dieser bitte kann ich|\
            diese frage kann ich|so etwas kann ich|bei diesem thema kann ich|bei so etwas kann ich|bei diesem wunsch kann ich|diesem wunsch kann ich|kann ich|darf ich|werde ich|das darf ich|das werde ich",
        between: Any(6),
        ends: "nicht helfen|nicht weiterhelfen|nicht behilflich sein|nicht unterstützen|nicht erfüllen|nicht nachkommen|nicht beantworten|nicht bearbeiten|nicht dabei helfen|nicht damit helfen|keine hilfe|\
            keine hilfe anbieten|nicht entsprechen|nicht mitwirken|nicht beteiligen|keine unterstützung|nicht dienen|keine anleitung|keine anleitungen|keine auskunft geben|keine auskünfte|keine rechtsberatung|\
            keine medizinischen ratschläge|keine medizinische beratung|keinen rat geben|nicht behilflich|nicht äußern|keine stellung nehmen",
    },
    Shape {
        score: SURE,
        starts: "das kann ich|das werde ich|das darf ich|das mache ich|so etwas mache ich|das tue ich",
        between: Any(2),
        ends: "nicht tun|nicht machen|nicht|nicht .",
    },
    Shape {
        score: SURE,
        starts: "ich muss|das muss ich|diese anfrage muss ich|diese bitte muss ich|muss ich|ich lehne|ich weigere mich",
        between: Any(6),
        ends: "ablehnen|verweigern|ab .|dabei zu helfen|das zu tun",
    },
    Shape {
        score: SURE,
        starts: "ich bin nicht in der lage|dazu bin ich nicht in der lage|ich bin leider nicht in der lage|es ist mir nicht möglich|das ist mir nicht möglich|es ist mir leider nicht möglich",
        between: Any(8),
        ends: "zu helfen|weiterzuhelfen|zu unterstützen|zu beantworten|zu erfüllen|nachzukommen|behilflich zu sein|.",
    },
    // French.
    Shape {
        score: SURE,
        starts: "je ne peux pas|je ne peux malheureusement pas|je ne pourrai pas|je ne suis pas en mesure de|je ne suis pas en mesure d'|je ne suis malheureusement pas en mesure de|je suis dans l'impossibilité de|\
            je suis incapable de|nous ne pouvons pas|il m'est impossible de|je ne souhaite pas|il ne m'est pas possible de|je n'ai pas le droit de|je ne peux ni|je ne saurais",
        between: Only("vous|te|t'|y|en|malheureusement|pas|de|d'|à|le|donc"),
        ends: "aider|assister|répondre à cette|répondre à votre|répondre à ta|répondre à ce|répondre favorablement|accéder à|satisfaire|donner suite|faire cela|faire ça|faire .|participer à|contribuer à|apporter mon aide|\
            fournir d'instructions|fournir d'aide|fournir d'informations sur|fournir de conseils|fournir ce type|donner de conseils|donner d'instructions|accompagner dans|soutenir|traiter cette demande|traiter votre demande",
    },
    Shape {
        score: SURE,
        starts: "je refuse de|je dois refuser|je dois décliner|je me dois de refuser|je préfère ne pas|c'est contraire à mes|cela va à l'encontre de mes|ce n'est pas quelque chose que je peux|je ne peux rien faire",
        between: Any(0),
        ends: "",
    },
    // Spanish.
    Shape {
        score: SURE,
        starts: "no puedo|no podré|no podemos|no me es posible|no soy capaz de|no estoy en condiciones de|no estoy en capacidad de|no me está permitido|no voy a|no tengo permitido|no debo|no estoy autorizado a",
        between: Only("te|le|por|lo|tanto|proporcionar|ofrecer|dar|brindar"),
        ends: "ayudarte|ayudarle|ayudar con|ayudar a|ayudar en|ayudarlo|ayudarla|ayudar .|asistir|asistirte|cumplir|responder a esa|responder a esta|responder a eso|responder esa|responder esta|hacer eso|hacer esto|hacerlo .|\
            atender esa|atender esta|atender tu|atender su|participar en|colaborar con|colaborar en|apoyar|instrucciones|consejos|asesoramiento|ayuda con|ayuda para|ayuda en|asistencia|satisfacer|complacer|acceder a",
    },
    Shape {
        score: SURE,
        starts: "debo|tengo que|me veo obligado a|prefiero",
        between: Any(1),
        ends: "rechazar|negarme|declinar|no responder|no hacerlo",
    },
    Shape {
        score: SURE,
        starts: "me niego a|va en contra de mis|eso va en contra de mis|esto va en contra de mis|no es algo en lo que pueda|no es algo que pueda hacer",
        between: Any(0),
        ends: "",
    },
    // Italian.
    Shape {
        score: SURE,
        starts: "non posso|non sono in grado di|non potrò|non possiamo|non mi è possibile|non mi è consentito|non intendo|non ho il permesso di",
        between: Only("proprio|purtroppo|di|fornire|dare|offrire|darti|darle|fornirti"),
        ends: "aiutarti|aiutarla|aiutare|aiutarvi|aiutarlo|assisterti|assisterla|assistere|soddisfare|rispondere a questa|rispondere a questo|rispondere a quella|rispondere alla tua|rispondere alla sua|farlo .|fare questo|\
            fare quello|accogliere|partecipare a|collaborare|esaudire|istruzioni|consigli|assistenza|aiuto|consulenza|supportare|supportarti",
    },
    Shape { score: SURE, starts: "devo", between: Any(1), ends: "rifiutare|rifiutarmi|declinare" },
    Shape {
        score: SURE,
        starts: "mi rifiuto di|va contro i miei|va contro le mie|questo va contro|preferisco non rispondere|non è qualcosa che posso|non è una cosa in cui posso",
        between: Any(0),
        ends: "",
    },
    // Portuguese.
    Shape {
        score: SURE,
        starts: "não posso|não consigo|não poderei|não podemos|não sou capaz de|não me é possível|não estou autorizado a|não tenho permissão para|não vou|não estou em condições de",
        between: Only("te|lhe|o|a|fornecer|dar|oferecer|prestar|infelizmente"),
        ends: "ajudar|ajudá lo|ajudá la|ajudá|ajudar com|auxiliar|atender a esse|atender esse|atender a este|atender este|atender ao seu|atender seu|cumprir|responder a essa|responder a esta|responder a isso|responder a esse|\
            fazer isso|fazer isto|fazê lo|participar|colaborar|satisfazer|instruções|conselhos|aconselhamento|ajuda|assistência|orientações sobre|apoiar",
    },
    Shape {
        score: SURE,
        starts: "devo|tenho que|tenho de|preciso",
        between: Any(1),
        ends: "recusar|declinar|recusar me|negar",
    },
    Shape {
        score: SURE,
        starts: "recuso me a|me recuso a|vai contra as minhas|vai contra minhas|isso vai contra|prefiro não responder|não é algo que eu possa|não é algo em que possa",
        between: Any(0),
        ends: "",
    },
    // Dutch.
    Shape {
        score: SURE,
        starts: "ik kan|ik mag|ik zal|we kunnen|dat kan ik|daar kan ik|daarmee kan ik|hier kan ik|hierbij kan ik|daarbij kan ik|dit kan ik|deze vraag kan ik|dit verzoek kan ik|kan ik|mag ik|aan dit verzoek kan ik",
        between: Any(6),
        ends: "niet helpen|niet bij helpen|niet mee helpen|niet mee verder helpen|niet verder helpen|niet mee verder|niet assisteren|niet aan voldoen|niet voldoen|niet beantwoorden|geen hulp|geen advies|niet op ingaan|\
            geen instructies|niet aan meewerken|niet aan meehelpen|niet ondersteunen|niet bij ondersteunen|niet van dienst zijn|niet inwilligen",
    },
    Shape { score: SURE, starts: "ik moet", between: Any(4), ends: "weigeren|afwijzen|afslaan" },
    Shape {
        score: SURE,
        starts: "ik weiger|dat gaat tegen mijn|dit gaat tegen mijn|ik ben niet in staat om te helpen|ik ben niet in staat je te helpen|dat doe ik niet",
        between: Any(0),
        ends: "",
    },
    // Swedish, Danish, Norwegian.
    Shape {
        score: SURE,
        starts: "jag kan|det kan jag|jag får|vi kan|kan jag|jag tänker|jeg kan|det kan jeg|det kan vi|jeg må|kan jeg|jeg vil",
        between: Any(3),
        ends: "inte hjälpa|inte hjälpa till|inte assistera|inte svara på|inte uppfylla|inte bistå|inte ge råd|inte ge instruktioner|ikke hjælpe|ikke hjælpe med|ikke assistere|ikke besvare|ikke opfylde|ikke bistå|\
            ikke hjelpe|ikke svare på|ikke oppfylle|ikke gi råd|ikke give råd|ikke imødekomme|inte tillmötesgå|inte delta i|ikke deltage i|ikke delta i",
    },
    Shape {
        score: SURE,
        starts: "jag måste|jeg må|jeg bliver nødt til at|jeg er nødt til at",
        between: Any(2),
        ends: "avböja|neka|avslå|afvise|afslå|nægte",
    },
    // Polish and Czech.
    Shape {
        score: SURE,
        starts: "nie mogę|nie jestem w stanie|nie będę mógł|nie będę mogła|nie możemy|nie wolno mi|w tym nie mogę|z tym nie mogę|s tím|s tímto|v tomto|nemohu|nemůžu|nejsem schopen|nejsem schopna|nesmím|s tím nemohu",
        between: Any(4),
        ends: "pomóc|pomagać|spełnić|odpowiedzieć na to|odpowiedzieć na to pytanie|udzielić pomocy|udzielić porady|udzielić takiej|udzielać porad|wykonać tego|tego zrobić|zrealizować|pomoci|pomoct|pomáhat|vyhovět|\
            odpovědět na tuto|splnit|poradit|nemohu pomoci|nemohu pomoct|nemůžu pomoct|nemohu poradit",
    },
    Shape { score: SURE, starts: "muszę|musím", between: Any(3), ends: "odmówić|odmítnout" },
    Shape {
        score: SURE,
        starts: "odmawiam|to jest sprzeczne z moimi|to jest niezgodne z moimi|odmítám",
        between: Any(0),
        ends: "",
    },
    // Russian and Ukrainian.
    Shape {
        score: SURE,
        starts: "я не могу|я не смогу|не могу|не смогу|мы не можем|я не буду|с этим я не могу|с этим не могу|в этом я не могу|в этом не могу|этого я не могу|тут я не могу|здесь я не могу|на это я не могу|на этот вопрос я не могу|\
            я не в состоянии|я не имею права|я не можу|я не зможу|не можу|не зможу|з цим я не можу|у цьому я не можу|ми не можемо",
        between: Any(3),
        ends: "помочь|помогать|выполнить|ответить|ответить на этот|ответить на ваш|сделать это|этого сделать|сделать|отвечать на|оказать помощь|давать советы|дать совет|давать медицинские|давать юридические|\
            предоставить инструкции|участвовать|допомогти|допомагати|виконати|відповісти|цього зробити|надати допомогу|надавати поради",
    },
    Shape {
        score: SURE,
        starts: "я вынужден|я вынуждена|я должен|я должна|вынужден|вынуждена|я змушений|я змушена|змушений|мушу",
        between: Any(2),
        ends: "отказать|отказаться|отклонить|відмовити|відмовитися|відхилити",
    },
    Shape {
        score: SURE,
        starts: "я отказываюсь|это противоречит моим|я відмовляюся|це суперечить моїм",
        between: Any(0),
        ends: "",
    },
    // Turkish: the denial is in the verb, at the end.
    Shape {
        score: SURE,
        starts: "bu|size|sana|bunun|böyle|bu konuda|yardımcı|yardım|isteğinizi|talebinizi|isteğini|bununla",
        between: Any(6),
        ends: "yardımcı olamam|yardımcı olamıyorum|yardımcı olamayacağım|yardım edemem|yardım edemiyorum|yardım edemeyeceğim|yerine getiremem|yerine getiremiyorum|yerine getiremeyeceğim|yanıtlayamam|cevaplayamam|\
            yapamam|olamam|edemem|olamayacağım|reddetmek zorundayım|yardım sağlayamam|bilgi veremem|destek olamam",
    },
    // Indonesian.
    Shape {
        score: SURE,
        starts: "saya tidak bisa|saya tidak dapat|saya tak bisa|kami tidak dapat|kami tidak bisa|saya tidak diperbolehkan|saya tidak boleh",
        between: Any(2),
        ends: "membantu|memenuhi|menjawab pertanyaan itu|menjawab pertanyaan ini|melakukan itu|melakukan hal itu|memberikan bantuan|memberikan nasihat|memberikan instruksi|memberi saran|berpartisipasi",
    },
    Shape { score: SURE, starts: "saya harus|saya terpaksa", between: Any(1), ends: "menolak" },
    // Arabic.
    Shape {
        score: SURE,
        starts: "لا أستطيع|لا يمكنني|لا أقدر|لن أستطيع|لا يمكننا|لست قادرا على|لست قادرة على|غير قادر على|لا أستطيع أن|لا يمكنني أن|ليس بإمكاني|لن أتمكن من",
        between: Any(2),
        ends: "مساعدتك|المساعدة|مساعدتكم|أساعدك|تقديم المساعدة|تلبية|الإجابة على|الإجابة عن|تنفيذ|القيام بذلك|فعل ذلك|تقديم نصائح|تقديم نصيحة|تقديم المشورة|المشاركة",
    },
    Shape {
        score: SURE,
        starts: "يجب أن|أرفض|علي أن",
        between: Any(0),
        ends: "أرفض|أعتذر عن|المساعدة في|القيام",
    },
    // Hindi: the denial is at the end.
    Shape {
        score: SURE,
        starts: "मैं|हम|इसमें|इस",
        between: Any(8),
        ends: "मदद नहीं कर सकता|मदद नहीं कर सकती|मदद नहीं कर सकते|सहायता नहीं कर सकता|सहायता नहीं कर सकती|उत्तर नहीं दे सकता|उत्तर नहीं दे सकती|जवाब नहीं दे सकता|जवाब नहीं दे सकती|पूरा नहीं कर सकता|पूरा नहीं कर सकती|सलाह नहीं दे सकता|सलाह नहीं दे सकती",
    },
];

/// What somebody says who declines in Chinese, Japanese or Korean: an apology, or a word for himself.
pub(super) const APOLOGIES: &[&str] = &[
    "抱歉",
    "对不起",
    "對不起",
    "很遗憾",
    "很遺憾",
    "我无法",
    "我不能",
    "我無法",
    "不好意思",
    "恕我",
    "我没办法",
    "申し訳",
    "すみません",
    "ごめん",
    "恐れ入り",
    "恐縮",
    "残念ながら",
    "私には",
    "私は",
    "죄송",
    "미안",
    "유감",
    "저는",
    "제가",
    "안타깝",
];

/// How they decline.
pub(super) const DENSE: &[&str] = &[
    "无法提供帮助",
    "无法提供协助",
    "无法帮助",
    "不能帮助",
    "无法帮你",
    "不能帮你",
    "无法帮您",
    "不能帮您",
    "无法协助",
    "不能协助",
    "无法满足你",
    "无法满足您",
    "无法满足这",
    "无法满足该",
    "无法满足此",
    "无法回答这",
    "无法回答您",
    "无法回答你",
    "不能回答这",
    "无法完成这",
    "无法为您提供这",
    "无法为你提供这",
    "不能提供这",
    "无法提供此类",
    "无法提供这类",
    "不能提供此类",
    "不提供此类",
    "帮不了",
    "无法给出医疗",
    "无法提供医疗建议",
    "无法提供法律建议",
    "无法讨论",
    "不能讨论",
    "無法提供協助",
    "無法提供幫助",
    "無法協助",
    "無法幫助",
    "無法幫您",
    "無法幫你",
    "無法回答",
    "無法滿足",
    "拒绝回答",
    "不能参与",
    "无法参与",
    "お手伝いできません",
    "お手伝いすることはできません",
    "お手伝いすることができません",
    "お手伝いできかねます",
    "お手伝いはできません",
    "お応えできません",
    "お応えすることはできません",
    "お応えできかねます",
    "お答えできません",
    "お答えすることはできません",
    "お答えできかねます",
    "ご協力できません",
    "協力できません",
    "ご要望には対応できません",
    "ご依頼には対応できません",
    "リクエストには対応できません",
    "手伝えません",
    "お断り",
    "助けることはできません",
    "サポートできません",
    "提供できません",
    "ご提供できません",
    "提供することはできません",
    "応じることはできません",
    "応じられません",
    "도와드릴수없",
    "도와줄수없",
    "도움을드릴수없",
    "도움드릴수없",
    "도움을줄수없",
    "응할수없",
    "답변드릴수없",
    "답변할수없",
    "답변을드릴수없",
    "대답할수없",
    "제공할수없",
    "제공해드릴수없",
    "도와드리기어렵",
    "도와드리기어려",
    "답변드리기어렵",
    "답변드리기어려",
    "거절",
    "지원할수없",
];
