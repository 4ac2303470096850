//! Words that generated sentences are made of: common names of many countries, written down from general knowledge.

pub const FIRST: &str = "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan \
Joseph Jessica Thomas Sarah Charles Karen Christopher Lisa Daniel Nancy Matthew Betty Anthony Margaret Mark Sandra Donald Ashley \
Steven Kimberly Paul Emily Andrew Donna Joshua Michelle Kenneth Carol Kevin Amanda Brian Dorothy George Melissa Edward Deborah \
Ronald Stephanie Timothy Rebecca Jason Sharon Jeffrey Laura Ryan Cynthia Jacob Kathleen Gary Amy Nicholas Shirley Eric Angela \
Jonathan Helen Stephen Anna Larry Brenda Justin Pamela Scott Nicole Brandon Emma Benjamin Samantha Samuel Katherine Gregory \
Christine Frank Debra Alexander Rachel Raymond Catherine Patrick Carolyn Jack Janet Dennis Ruth Jerry Maria Tyler Heather Aaron \
Diane Jose Virginia Adam Julie Henry Joyce Nathan Victoria Douglas Olivia Zachary Kelly Peter Christina Kyle Lauren Noah Joan \
Ethan Evelyn Jeremy Judith Walter Megan Keith Andrea Roger Cheryl Terry Hannah Austin Jacqueline Sean Martha Gerald Gloria Carl \
Teresa Harold Ann Dylan Sara Arthur Madison Lawrence Frances Jordan Kathryn Jesse Janice Bryan Jean Billy Alice Bruce Abigail \
Gabriel Sophia Joe Grace Logan Denise Alan Amber Juan Doris Albert Marilyn Willie Danielle Elijah Beverly Wayne Isabella Randy \
Theresa Vincent Diana Mason Natalie Roy Brittany Ralph Charlotte Bobby Marie Russell Kayla Bradley Alexis Philip Lori Eugene \
Hans Peter Wolfgang Klaus Jurgen Dieter Manfred Uwe Gunter Stefan Andreas Matthias Markus Tobias Florian Sebastian Lukas Felix \
Ursula Monika Petra Sabine Renate Helga Karin Brigitte Ingrid Erika Claudia Birgit Heike Anja Katrin Greta Leonie Mia Hannelore \
Pierre Michel Philippe Alain Nicolas Christophe Laurent Julien Antoine Francois Jacques Guillaume Mathieu Lucas Hugo Louis \
Nathalie Isabelle Sylvie Sophie Camille Chloe Manon Lea Juliette Claire Aurelie Celine Margaux Elodie Giulia Chiara Francesca \
Giovanni Marco Luca Matteo Alessandro Lorenzo Giuseppe Antonio Salvatore Paolo Stefano Federica Valentina Elena Martina Silvia \
Carlos Luis Javier Miguel Alejandro Fernando Jorge Diego Pablo Sergio Rafael Manuel Pedro Ramon Ignacio Carmen Ana Isabel Pilar \
Dolores Lucia Paula Cristina Rosa Beatriz Joao Tiago Goncalo Rui Nuno Ines Mariana Catarina Fatima Piotr Krzysztof Andrzej \
Tomasz Pawel Marcin Michal Agnieszka Katarzyna Malgorzata Joanna Magdalena Zofia Jan Jakub Ondrej Tereza Lenka Zuzana Istvan Laszlo \
Zoltan Gabor Katalin Eszter Ion Mihai Andrei Ioana Elena Georgi Dimitar Ivan Nikola Ana Marija Ivana Luka Marko Jelena Milica \
Erik Lars Anders Johan Karl Sven Bjorn Nils Olof Astrid Ingrid Karin Birgitta Maja Elsa Ole Kari Knut Solveig Mette Soren Jens \
Mikkel Freja Ida Matti Juhani Timo Antti Mikko Anneli Hanna Aino Jon Gudrun Sigridur Kristjan Liis Janis Ilze Jonas Ruta Dimitris \
Giorgos Nikos Eleni Katerina Sofia Mehmet Mustafa Ahmet Ali Huseyin Ayse Fatma Emine Zeynep Elif Mohammed Ahmad Omar Hassan \
Ibrahim Khalid Youssef Karim Fatima Aisha Layla Nour Maryam Zainab Amina Yusuf Abdullah Tariq Reza Hossein Zahra Moshe David \
Yosef Noa Tamar Yael Avraham Rajesh Sanjay Amit Vijay Anil Suresh Ravi Arjun Rohan Priya Anjali Pooja Neha Sunita Lakshmi Deepa \
Kavita Meera Imran Bilal Ayesha Wei Jing Min Li Xin Yan Hui Fang Ying Lei Jun Hao Chen Yi Mei Ling Hiroshi Takashi Kenji Yuki \
Haruto Sakura Yoko Keiko Akira Naoko Minjun Jiwoo Seoyeon Hyun Sung Eun Ji Soo Nguyen Linh Huong Thanh Minh Anh Siti Budi Dewi \
Agus Putri Chidi Ngozi Emeka Chioma Oluwaseun Adebayo Kwame Kofi Ama Abena Thabo Sipho Nomsa Lerato Wanjiru Kamau Achieng Tendai";

pub const LAST: &str = "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson \
Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Robinson Walker Young Allen \
King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera Campbell Mitchell Carter Roberts Gomez Phillips \
Evans Turner Diaz Parker Cruz Edwards Collins Reyes Stewart Morris Morales Murphy Cook Rogers Gutierrez Ortiz Morgan Cooper \
Peterson Bailey Reed Kelly Howard Ramos Kim Cox Ward Richardson Watson Brooks Chavez Wood James Bennett Gray Mendoza Ruiz Hughes \
Price Alvarez Castillo Sanders Patel Myers Long Ross Foster Jimenez Powell Jenkins Perry Russell Sullivan Bell Coleman Butler \
Henderson Barnes Gonzales Fisher Vasquez Simmons Romero Jordan Patterson Alexander Hamilton Graham Reynolds Griffin Wallace West \
Cole Hayes Bryant Herrera Gibson Ellis Tran Medina Aguilar Stevens Murray Ford Castro Marshall Owens Harrison Fernandez McDonald \
Woods Washington Kennedy Wells Vargas Henry Chen Freeman Webb Tucker Guzman Burns Crawford Olson Simpson Porter Hunter Gordon \
Mendez Silva Shaw Snyder Mason Dixon Munoz Hunt Hicks Holmes Palmer Wagner Black Robertson Boyd Rose Stone Salazar Fox Warren Mills \
Meyer Rice Schmidt Garza Daniels Ferguson Nichols Stephens Soto Weaver Ryan Gardner Payne Grant Dunn Kelley Spencer Hawkins Arnold \
Muller Schneider Fischer Weber Becker Hoffmann Schafer Koch Bauer Richter Klein Wolf Schroder Neumann Schwarz Zimmermann Braun \
Kruger Hofmann Hartmann Lange Werner Krause Lehmann Kohler Maier Huber Kaiser Fuchs Vogel Keller Gunther Frank Berger Winkler \
Bernard Dubois Durand Leroy Moreau Simon Laurent Lefebvre Michel Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent \
Mercier Blanc Guerin Boyer Garnier Chevalier Francois Legrand Gauthier Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci \
Marino Greco Bruno Gallo Conti Costa Giordano Mancini Rizzo Lombardi Moretti Barbieri Fontana Santoro Mariani Rinaldi Santos \
Oliveira Souza Lima Pereira Ferreira Alves Ribeiro Carvalho Gomes Rodrigues Almeida Nascimento Araujo Melo Barbosa Cardoso Teixeira \
Kowalski Wisniewski Wojcik Kaminski Lewandowski Zielinski Szymanski Wozniak Dabrowski Kozlowski Mazur Krawczyk Novak Svoboda \
Novotny Dvorak Cerny Prochazka Kucera Vesely Horvath Nagy Kovacs Toth Szabo Varga Kiss Molnar Nemeth Popescu Ionescu Popa Radu \
Dumitru Stan Ivanov Petrov Dimitrov Georgiev Nikolov Jovanovic Petrovic Nikolic Markovic Babic Maric Kovacevic Andersson Johansson \
Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson Hansen Johansen Olsen Larsen Andersen Pedersen Nielsen Jensen \
Christensen Rasmussen Sorensen Korhonen Virtanen Makinen Nieminen Laine Heikkinen Jonsdottir Tamm Berzins Kazlauskas Papadopoulos \
Georgiou Nikolaidis Yilmaz Kaya Demir Celik Sahin Yildiz Ozturk Aydin Arslan Hussein Rahman Khan Malik Hashemi Ahmadi Karimi Haddad \
Nasser Mansour Cohen Levi Mizrahi Friedman Shapiro Sharma Verma Gupta Singh Kumar Reddy Nair Iyer Mehta Shah Das Bose Mukherjee \
Chopra Kapoor Joshi Desai Rao Wang Zhang Liu Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo He Lin Gao Luo Sato Suzuki Takahashi Tanaka \
Watanabe Ito Yamamoto Nakamura Kobayashi Kato Yoshida Park Choi Jung Kang Cho Yoon Jang Lim Pham Hoang Vu Dang Bui Wijaya Santoso \
Okafor Okonkwo Adeyemi Balogun Mensah Owusu Boateng Nkosi Dlamini Mokoena Mwangi Otieno Odhiambo Njoroge Moyo Ndlovu Abebe Tesfaye \
O'Brien O'Connor O'Neill MacDonald McCarthy McKenzie Fitzgerald Gallagher Byrne Doyle van Dijk de Vries Jansen Bakker Visser Smit \
Mulder de Boer Bos Vos Peters Hendriks Dekker Brouwer Maes Jacobs Mertens Willems Claes Goossens Wouters";

pub const PLACES: &str = "London|Paris|Berlin|Madrid|Rome|Vienna|Prague|Budapest|Warsaw|Lisbon|Dublin|Brussels|Amsterdam|Copenhagen|\
Stockholm|Oslo|Helsinki|Athens|Istanbul|Ankara|Moscow|Kyiv|Bucharest|Sofia|Belgrade|Zagreb|Ljubljana|Bratislava|Zurich|Geneva|Munich|\
Hamburg|Frankfurt|Cologne|Stuttgart|Lyon|Marseille|Toulouse|Nice|Bordeaux|Milan|Naples|Turin|Florence|Venice|Barcelona|Valencia|\
Seville|Porto|Manchester|Liverpool|Birmingham|Leeds|Glasgow|Edinburgh|Cardiff|Belfast|Cork|New York|Los Angeles|Chicago|Houston|Phoenix|\
Philadelphia|San Antonio|San Diego|Dallas|San Jose|Austin|Jacksonville|San Francisco|Columbus|Charlotte|Indianapolis|Seattle|Denver|\
Boston|Nashville|Detroit|Portland|Las Vegas|Memphis|Baltimore|Milwaukee|Albuquerque|Tucson|Fresno|Sacramento|Atlanta|Miami|Oakland|\
Minneapolis|Tulsa|Cleveland|New Orleans|Tampa|Pittsburgh|St. Louis|Cincinnati|Toronto|Montreal|Vancouver|Calgary|Ottawa|Winnipeg|\
Mexico City|Guadalajara|Monterrey|Bogota|Medellin|Lima|Quito|Caracas|Santiago|Buenos Aires|Cordoba|Montevideo|Asuncion|La Paz|Sao Paulo|\
Rio de Janeiro|Brasilia|Salvador|Recife|Tokyo|Osaka|Kyoto|Seoul|Busan|Beijing|Shanghai|Shenzhen|Guangzhou|Hong Kong|Taipei|Singapore|\
Kuala Lumpur|Jakarta|Bangkok|Hanoi|Ho Chi Minh City|Manila|Delhi|Mumbai|Bangalore|Chennai|Kolkata|Hyderabad|Pune|Karachi|Lahore|Dhaka|\
Colombo|Kathmandu|Dubai|Abu Dhabi|Doha|Riyadh|Jeddah|Kuwait City|Tehran|Baghdad|Amman|Beirut|Jerusalem|Tel Aviv|Cairo|Alexandria|\
Casablanca|Rabat|Tunis|Algiers|Lagos|Abuja|Accra|Nairobi|Kampala|Addis Ababa|Dar es Salaam|Harare|Lusaka|Johannesburg|Cape Town|Durban|\
Sydney|Melbourne|Brisbane|Perth|Adelaide|Canberra|Auckland|Wellington|Christchurch|Springfield|Riverside|Franklin|Greenville|Bristol|\
Clinton|Fairview|Salem|Madison|Georgetown|Arlington|Ashland|Burlington|Oxford|Cambridge|Kingston|Newport|Lexington|Brighton|Plymouth|\
Togo|Benin|Mali|Niger|Chad|Gabon|Guinea|Equatorial Guinea|Sierra Leone|Liberia|Gambia|Cape Verde|Burkina Faso|Eritrea|Djibouti|Burundi|\
Malawi|Lesotho|Eswatini|Comoros|Mauritius|Seychelles|Myanmar|Cambodia|Laos|Brunei|Timor-Leste|Bhutan|Maldives|Afghanistan|Armenia|Azerbaijan|\
Turkmenistan|Tajikistan|Kyrgyzstan|Belarus|Moldova|Albania|Kosovo|Montenegro|North Macedonia|Bosnia and Herzegovina|Andorra|Monaco|Luxembourg|\
Liechtenstein|San Marino|Vatican City|Greenland|Belize|Guyana|Suriname|Barbados|Bahamas|Grenada|Dominica|Saint Lucia|Antigua and Barbuda|\
Saint Vincent and the Grenadines|Saint Kitts and Nevis|Trinidad and Tobago|Papua New Guinea|Solomon Islands|Vanuatu|Marshall Islands|\
Micronesia|New Caledonia|French Polynesia|Puerto Rico|Hong Kong|Macau|Mauritania|Central African Republic|Congo|Den Haag|Espoo|Tampere|\
Turku|Aarhus|Odense|Bergen|Trondheim|Malmo|Uppsala|Krakow|Gdansk|Wroclaw|Brno|Ostrava|Graz|Linz|Salzburg|Basel|Bern|Lausanne|Antwerp|Ghent|\
Rotterdam|Utrecht|Eindhoven|Nantes|Lille|Rennes|Strasbourg|Bologna|Palermo|Genoa|Bilbao|Malaga|Zaragoza|Braga|Coimbra|Debrecen|Szeged|Pecs|\
Germany|France|Italy|Spain|Portugal|Poland|Sweden|Norway|Denmark|Finland|Iceland|Ireland|Austria|Switzerland|Belgium|Netherlands|Greece|\
Hungary|Romania|Bulgaria|Croatia|Serbia|Slovenia|Slovakia|Czech Republic|Ukraine|Russia|Turkey|Estonia|Latvia|Lithuania|Malta|Cyprus|\
United States|USA|United Kingdom|UK|England|Scotland|Wales|Canada|Mexico|Brazil|Argentina|Chile|Peru|Colombia|Venezuela|Ecuador|Bolivia|\
Uruguay|Paraguay|Cuba|Jamaica|Haiti|Panama|Costa Rica|Guatemala|Honduras|Nicaragua|El Salvador|Dominican Republic|China|Japan|India|\
Pakistan|Bangladesh|Sri Lanka|Nepal|South Korea|North Korea|Vietnam|Thailand|Malaysia|Indonesia|Philippines|Taiwan|Mongolia|Kazakhstan|\
Uzbekistan|Iran|Iraq|Israel|Jordan|Lebanon|Syria|Saudi Arabia|Qatar|Kuwait|Bahrain|Oman|Yemen|United Arab Emirates|Egypt|Libya|Tunisia|\
Algeria|Morocco|Sudan|Ethiopia|Somalia|Kenya|Uganda|Tanzania|Rwanda|Nigeria|Ghana|Ivory Coast|Senegal|Cameroon|Angola|Zambia|Zimbabwe|\
Botswana|Namibia|Mozambique|Madagascar|South Africa|Australia|New Zealand|Fiji|Samoa|Tonga|Kiribati|Tuvalu|Palau|Nauru|Europe|Asia|Africa|\
California|Texas|Florida|Ohio|Georgia|Michigan|Virginia|Illinois|Pennsylvania|Massachusetts|Colorado|Oregon|Nevada|Utah|Arizona|Kansas|\
Kentucky|Tennessee|Louisiana|Alabama|Mississippi|Missouri|Iowa|Wisconsin|Minnesota|Montana|Idaho|Wyoming|Nebraska|Oklahoma|Arkansas|Maine|\
Vermont|New Hampshire|Connecticut|Rhode Island|New Jersey|Delaware|Maryland|North Carolina|South Carolina|Hawaii|Alaska|Bavaria|Tuscany|\
Catalonia|Andalusia|Brittany|Normandy|Provence|Ontario|Quebec|Alberta|British Columbia|Queensland|Victoria|Kent|Essex|Yorkshire|Cornwall";

pub const COMPANY_WORDS: &str = "Global United First National Northern Southern Pacific Atlantic Summit Pioneer Apex Vertex Delta Omega \
Alpha Nova Stellar Quantum Fusion Bright Blue Green Silver Golden Red Crystal Granite Harbor River Mountain Valley Lake Ocean Sky Cloud \
Star Sun Moon Liberty Heritage Legacy Premier Elite Prime Royal Crown Eagle Falcon Lion Tiger Bear Wolf Phoenix Titan Atlas Orion Zenith \
Horizon Frontier Metro Urban Central Capital City Coastal Inter Trans Omni Uni Micro Macro Nano Cyber Digital Data Info Tech Soft Net Web \
Bio Medi Pharma Agri Eco Enviro Solar Hydro Geo Aero Auto Electro";

pub const COMPANY_KINDS: &str = "Solutions|Technologies|Systems|Software|Consulting|Partners|Group|Holdings|Industries|Enterprises|Services|\
Logistics|Energy|Foods|Bank|Insurance|Capital|Ventures|Media|Labs|Networks|Motors|Airlines|Pharmaceuticals|Hospital|University|Foundation|\
Institute|Academy|College|Museum|Hotel|Records|Orchestra|Club|Restaurant|Bakery|Trust|Association|Council|Institute of Technology|School|\
Construction|Properties|Realty|Analytics|Robotics|Biotech|Clinic|Publishing|Studios|Markets|Brewing Company|Trading";

pub const COMPANY_ENDS: &str = "Inc|Inc.|LLC|Ltd|Ltd.|Corp|Corp.|Corporation|Company|Co.|GmbH|AG|S.A.|SA|SE|B.V.|BV|N.V.|Oy|AB|ApS|A/S|AS|S.p.A.|\
S.r.l.|SARL|SAS|KG|PLC|plc|Pty Ltd|LLP|LP|and Sons|& Co.|& Sons";

pub const COMPANIES: &str = "Google|Microsoft|Amazon|Apple|Facebook|Meta|IBM|Intel|Oracle|Cisco|Netflix|Tesla|Toyota|Honda|Ford|Volkswagen|\
BMW|Siemens|SAP|Bosch|Nestle|Unilever|Shell|BP|Total|Samsung|Sony|Panasonic|Nintendo|Huawei|Alibaba|Tencent|Reuters|BBC|CNN|NASA|FBI|CIA|\
United Nations|European Union|World Bank|World Health Organization|UNESCO|UNICEF|NATO|Red Cross|Greenpeace|Harvard University|MIT|\
Stanford University|Oxford University|Goldman Sachs|JPMorgan Chase|Bank of America|Citibank|HSBC|Deutsche Bank|Barclays|Visa|Mastercard|\
PayPal|Uber|Airbnb|Twitter|LinkedIn|YouTube|Spotify|Adobe|Nvidia|AMD|Qualcomm|Boeing|Airbus|Lufthansa|Walmart|Target|Costco|Ikea|Starbucks|\
McDonald's|Coca-Cola|Pepsi|Nike|Adidas|Pfizer|Novartis|Bayer|Roche|Merck|AstraZeneca|Accenture|Deloitte|KPMG|EY|PwC|McKinsey|Salesforce";

pub const STREET_WORDS: &str = "Main Oak Pine Maple Cedar Elm Washington Lake Hill Park Walnut Spring North South East West Church Center \
Union Prospect High School State River Mill Highland Forest Jackson Lincoln Jefferson Franklin Market Water Chestnut Victoria King Queen \
Station London Green Manor Grove Bridge Broad Castle Chapel Garden Meadow Orchard Willow Birch Sunset Ridge Valley Cherry Dogwood \
Kings Lafayette Madison Monroe Adams Wilson Harrison Liberty Pleasant Railroad Front College Academy Court Canal";

pub const STREET_ENDS: &str = "Street|Street|Street|St|St.|Avenue|Avenue|Ave|Ave.|Road|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Way|Court|Ct|Place|\
Terrace|Close|Crescent|Square|Circle|Parkway|Highway|Row|Alley|Trail|Loop|Mews|Walk";

pub const STREETS_ELSEWHERE: &str = "Hauptstrasse|Bahnhofstrasse|Schulstrasse|Gartenweg|Lindenallee|Goethestrasse|Schillerplatz|Ringstrasse|\
Bergstrasse|Kirchgasse|rue de la Paix|rue Victor Hugo|avenue Jean Jaures|boulevard Voltaire|rue des Lilas|place de la Republique|Via Roma|\
Via Garibaldi|Via Giuseppe Verdi|Piazza San Marco|Corso Italia|Viale Europa|Calle Mayor|Calle de Alcala|Avenida de America|Plaza de Espana|\
Paseo del Prado|Rua Augusta|Rua das Flores|Avenida Paulista|Travessa do Carmo|Keizersgracht|Kerkstraat|Dorpsstraat|Molenweg|Stationsplein|\
ulica Dluga|ul. Marszalkowska|Aleje Jerozolimskie|Dlouha|Vaclavske namesti|Kossuth utca|Petofi ter|Storgatan|Kungsgatan|Drottninggatan|\
Norrtullsgatan|Karl Johans gate|Skogveien|Strandgata|Vestergade|Norregade|Algade|Mellemvej|Mannerheimintie|Aleksanterinkatu|Koskikatu|\
Rantatie|Laugavegur|Pikk|Brivibas iela|Gedimino prospektas|Ataturk Caddesi|Istiklal Caddesi|Strada Victoriei|Bulevardul Unirii|Ilica|\
Knez Mihailova|MG Road|Nehru Marg|Nathan Road|Orchard Road|Jalan Sudirman|Nguyen Hue|Sukhumvit Road";

pub const COMMON: &str = "The|This|That|These|It|He|She|We|They|You|My|Your|His|Her|Our|Their|What|When|Where|Who|Why|How|Which|If|Then|Please|\
Write|Create|Make|Give|Find|Explain|Describe|List|Tell|Show|Generate|Translate|Summarize|Use|Can|Could|Would|Should|Is|Are|Was|Do|Does|Did|\
In|On|At|For|From|With|By|To|As|And|But|Or|So|However|Therefore|Thank|Thanks|Hello|Hi|Dear|Yes|No|Note|Here|There|First|Second|Finally|Also|\
Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|January|February|March|April|May|June|July|August|September|October|November|\
December|English|German|French|Spanish|Italian|Chinese|Japanese|Python|Java|JavaScript|HTML|CSS|SQL|JSON|XML|API|URL|HTTP|PDF|CSV|Linux|\
Windows|Excel|Word|Internet|Christmas|Easter|President|Minister|Professor|Doctor|King|Queen|Chapter|Section|Figure|Table|Step|Part|Question|\
Answer|Example|Input|Output|Task|Error|Warning|Version|Date|Time|Name|Phone|Address|Email|Subject|Title|Company|Street|City|Country|Total|\
Order|Invoice|Payment|Account|Customer|Product|Price|Amount|Status|Type|Size|Color|Number|User|Password|Login|Help|Settings|Home|About|Contact|\
World|War|God|Bible|Earth|Sun|Moon|Mars|Science|Art|History|Music|Math|Biology|Physics|Chemistry|Economics|Law|AI|ML|IT|CEO|CFO|HR|PR|TV|DVD|\
Green|Blue|Red|White|Black|New|Old|Big|Small|Good|Bad|Best|Great|One|Two|Three|Four|Five|Ten|Hundred";
