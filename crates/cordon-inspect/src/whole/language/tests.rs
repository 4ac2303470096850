//! Languages are told from each other, and where that is not clear nothing is said.

use super::*;

/// A text of a help desk in each language, written for this test. Each says about the same.
const TEXTS: &[(Language, &str)] = &[
    (
        Language::En,
        "Your order was sent on Monday and it will be with you in three days. If you are not at home, the parcel is left with a neighbour, and you can also collect it from our shop.",
    ),
    (
        Language::De,
        "Ihre Bestellung wurde am Montag verschickt und ist in drei Tagen bei Ihnen. Wenn Sie nicht zu Hause sind, wird das Paket bei einem Nachbarn abgegeben, und Sie können es auch im Laden abholen.",
    ),
    (
        Language::Fr,
        "Votre commande a été envoyée lundi et elle arrivera dans trois jours. Si vous n'êtes pas chez vous, le colis est remis à un voisin, et vous pouvez aussi le retirer dans notre magasin avec une pièce d'identité.",
    ),
    (
        Language::Es,
        "Su pedido se envió el lunes y llegará en tres días. Si no está en casa, el paquete se deja a un vecino, y también puede recogerlo en nuestra tienda con el número que está en la factura.",
    ),
    (
        Language::It,
        "Il suo ordine è stato spedito lunedì e arriverà in tre giorni. Se non è in casa, il pacco viene lasciato a un vicino, e può anche ritirarlo nel nostro negozio con il numero che si trova sulla fattura.",
    ),
    (
        Language::Pt,
        "O seu pedido foi enviado na segunda-feira e chega em três dias. Se não está em casa, a encomenda é deixada com um vizinho, e pode também levantá-la na nossa loja com o número que está na fatura.",
    ),
    (
        Language::Nl,
        "Uw bestelling is op maandag verstuurd en komt over drie dagen bij u aan. Als u niet thuis bent, wordt het pakket bij de buren afgegeven, en u kunt het ook in onze winkel ophalen met het nummer van de factuur.",
    ),
    (
        Language::Sv,
        "Din beställning skickades på måndagen och den är hos dig om tre dagar. Om du inte är hemma lämnas paketet till en granne, och du kan också hämta det i vår butik med det nummer som står på fakturan.",
    ),
    (
        Language::Fi,
        "Tilauksesi lähetettiin maanantaina ja se on perillä kolmessa päivässä. Jos et ole kotona, paketti jätetään naapurille, ja voit myös noutaa sen liikkeestämme, kun sinulla on numero, joka on laskussa ja joka ei ole vanha.",
    ),
    (
        Language::Pl,
        "Zamówienie zostało wysłane w poniedziałek i będzie u Państwa za trzy dni. Jeśli nikogo nie ma w domu, paczka jest zostawiana u sąsiada, a można ją także odebrać w sklepie z numerem, który jest na fakturze.",
    ),
    (
        Language::Cs,
        "Objednávka byla odeslána v pondělí a za tři dny je u vás. Když nejste doma, balík se nechá u souseda, nebo je možné si ho vyzvednout v obchodě s číslem, které je na faktuře, ale také po telefonu.",
    ),
    (
        Language::Ro,
        "Comanda a fost trimisă luni și va ajunge în trei zile. Dacă nu sunteți acasă, coletul este lăsat la un vecin, dar poate fi luat și din magazin cu numărul care este pe factură sau pe chitanță.",
    ),
    (
        Language::Hu,
        "A rendelést hétfőn elküldtük, és három nap múlva ott van. Ha nincs otthon, a csomag egy szomszédnál lesz, de az is lehet, hogy a boltban veszi át azzal a számmal, amely a számlán van.",
    ),
    (
        Language::Tr,
        "Siparişiniz pazartesi günü gönderildi ve üç gün sonra elinizde olur. Evde değilseniz paket bir komşuya bırakılır, ama bu numara ile mağazadan da alınabilir, çünkü fatura için olan numara daha sonra da var.",
    ),
    (
        Language::Id,
        "Pesanan anda dikirim pada hari Senin dan akan tiba dalam tiga hari. Jika anda tidak di rumah, paket itu dititipkan ke tetangga, dan bisa juga diambil di toko kami dengan nomor yang ada pada faktur ini.",
    ),
    (
        Language::Vi,
        "Đơn hàng của bạn đã được gửi vào thứ hai và sẽ đến trong ba ngày. Nếu bạn không có ở nhà, gói hàng được để cho hàng xóm, và bạn cũng có thể lấy ở cửa hàng với số trên hóa đơn.",
    ),
    (
        Language::Ru,
        "Ваш заказ отправили в понедельник, и он будет у вас через три дня. Если вас не будет дома, посылку оставят у соседа, но вы можете забрать её и в магазине, если у вас есть номер, который указан на счёте.",
    ),
    (
        Language::Uk,
        "Ваше замовлення відправили у понеділок, і воно буде у вас за три дні. Якщо вас не буде вдома, посилку залишать у сусіда, але ви можете забрати її також у магазині, якщо є номер, який вказано на рахунку.",
    ),
    (
        Language::Bg,
        "Вашата поръчка беше изпратена в понеделник и ще бъде при вас след три дни. Ако не сте у дома, пратката се оставя при съсед, но може да се вземе и от магазина с номера, който е на фактурата.",
    ),
    (
        Language::Ar,
        "تم إرسال طلبك يوم الاثنين وسوف يصل إليك بعد ثلاثة أيام. إذا لم تكن في المنزل، يترك الطرد عند الجار، أو يمكن أن تستلمه من المتجر مع الرقم الذي هو على الفاتورة في هذا البريد.",
    ),
    (
        Language::Fa,
        "سفارش شما روز دوشنبه ارسال شد و تا سه روز دیگر به دست شما می رسد. اگر در خانه نباشید، بسته را به همسایه می دهند یا می توانید آن را از فروشگاه با شماره ای که در فاکتور است بگیرید.",
    ),
    (
        Language::El,
        "Η παραγγελία σας στάλθηκε τη Δευτέρα και θα φτάσει σε τρεις ημέρες. Αν δεν είστε στο σπίτι, το δέμα μένει σε έναν γείτονα.",
    ),
    (
        Language::He,
        "ההזמנה שלך נשלחה ביום שני ותגיע בעוד שלושה ימים. אם אינך בבית, החבילה תישאר אצל שכן, ואפשר גם לאסוף אותה בחנות.",
    ),
    (
        Language::Hi,
        "आपका ऑर्डर सोमवार को भेजा गया था और तीन दिन में आपके पास पहुँच जाएगा। यदि आप घर पर नहीं हैं तो पैकेट पड़ोसी के पास छोड़ दिया जाता है।",
    ),
    (Language::Th, "คำสั่งซื้อของคุณถูกส่งในวันจันทร์และจะถึงภายในสามวัน หากคุณไม่อยู่บ้าน พัสดุจะถูกฝากไว้กับเพื่อนบ้าน"),
    (
        Language::Ko,
        "주문하신 상품은 월요일에 발송되었으며 사흘 안에 도착합니다. 댁에 계시지 않으면 이웃에게 맡겨 두며, 매장에서 찾으실 수도 있습니다.",
    ),
    (
        Language::Ja,
        "ご注文の商品は月曜日に発送され、三日以内に届きます。ご不在の場合は隣の方に預けますが、店舗でも受け取ることができます。",
    ),
    (
        Language::Zh,
        "您的订单已于星期一发出，三天内送达。如果您不在家，包裹会交给邻居，您也可以凭发票上的号码到我们的商店领取。",
    ),
];

#[test]
fn each_language_is_told_from_each_other_one() {
    for (language, text) in TEXTS {
        for other in Language::ALL {
            let found = foreign(text, &[*other]);
            if language == other {
                assert_eq!(found, None, "{language} is {other}");
            } else {
                // Danish and Norwegian have no text of their own here; Swedish shares most small words with both.
                let are_near =
                    matches!(language, Language::Sv) && matches!(other, Language::Da | Language::No);
                assert!(found.is_some() || are_near, "{language} is not {other}");
            }
        }
        let all_but =
            |language| Language::ALL.iter().copied().filter(|other| *other != language).collect::<Vec<_>>();
        assert_eq!(foreign(text, Language::ALL), None);
        assert_eq!(foreign(text, &[]), None, "nothing is expected");
        let near = matches!(language, Language::Sv);
        assert!(near || foreign(text, &all_but(*language)).is_some(), "{language} is none of the others");
    }
}

#[test]
fn the_language_of_a_text_is_told_where_it_is_clear() {
    for (language, text) in TEXTS {
        let told = told(text);
        // Swedish, Danish and Norwegian share most of their small words.
        assert!(
            told == Some(*language) || told.is_none() && *language == Language::Sv,
            "{language}: {told:?}"
        );
    }
    assert_eq!(told("Danke schön!"), None);
}

#[test]
fn what_is_not_clear_raises_nothing() {
    let of = |wanted: Language| TEXTS.iter().find(|(language, _)| *language == wanted).unwrap().1;
    let (english, german, russian) = (of(Language::En), of(Language::De), of(Language::Ru));
    for unclear in [
        "",
        "Danke schön!",
        "Berlin, Hamburg, München, Köln, Frankfurt, Stuttgart, Düsseldorf, Leipzig, Dortmund, Essen, Bremen, Dresden",
        &format!("{english} {german}"),
        &format!("{english} {russian}"),
        &format!("{english} He wrote: “{german}”"),
        "In the text, „Paket“ means parcel, „Nachbar“ means neighbour, „Rechnung“ means invoice and „Laden“ means shop.",
        "`der die und das ist nicht ein eine den dem mit für auf sich des im werden auch von zu`",
        "https://example.com/der/die/und/das https://example.com/ist/nicht/ein/eine/den/dem/mit/für/auf/sich",
        "Mimi ninapenda kusoma vitabu na kuandika barua kwa rafiki zangu kila siku jioni baada ya kazi shambani.",
        "{\"id\": 17, \"state\": \"sent\", \"lines\": [{\"sku\": \"A-1\", \"count\": 2}, {\"sku\": \"B-2\", \"count\": 1}]}",
        "fn main() { let mut sum = 0; for i in 0..10 { sum += i; } println!(\"{sum}\"); } // der die das",
    ] {
        assert_eq!(foreign(unclear, &[Language::En]), None, "{unclear}");
    }
}

#[test]
fn every_word_of_a_profile_is_one_and_no_language_has_two() {
    for (at, (language, profile)) in PROFILES.iter().enumerate() {
        assert!(PROFILES[at + 1..].iter().all(|(other, _)| other != language), "{language}");
        let mut words: Vec<&str> = profile.split(' ').collect();
        assert!(words.len() >= 25, "{language}");
        let is_word = |word: &&str| {
            !word.is_empty()
                && word.chars().count() <= LONGEST
                && word.chars().all(char::is_alphabetic)
                && word.to_lowercase() == **word
        };
        assert_eq!(words.iter().find(|word| !is_word(word)), None, "{language}");
        words.sort_unstable();
        let count = words.len();
        words.dedup();
        assert_eq!(words.len(), count, "{language} names a word twice");
    }
}
