"""Names of four traditions, compiled by hand from common knowledge, in the spelling of home.

They were chosen without looking at the labelled sets; what the two have in common is that both
are common names.
"""


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


UZBEK_MEN = words(
    "Abror Adham Akrom Alijon Anvar Asilbek Avaz Azamat Bahodir Baxtiyor Bobur Botir Davron "
    "Dilmurod Dilshod Doniyor Elbek Eldor Erkin Farrux Fazliddin Firdavs Fozil Hamid Hasan Husan "
    "Ibrohim Ikrom Ilhom Islom Ismoil Jahongir Jamshid Jasur Javohir Kamol Komil Laziz Maqsud "
    "Mansur Mirzo Muhammad Murod Mustafo Muzaffar Nodir Normurod Nurali Odil Olim Otabek Oybek "
    "Qahramon Qobil Rahmon Ravshan Rustam Sanjar Sardor Shavkat Sherali Shuhrat Sirojiddin Sobir "
    "Suxrob Temur Toʻlqin Tohir Ulugʻbek Umid Umar Usmon Valijon Xurshid Yoʻldosh Yusuf Zafar "
    "Ziyod Zokir Gʻayrat Gʻulom Oʻktam Choʻli Joʻra Moʻmin"
)
UZBEK_WOMEN = words(
    "Adiba Adolat Aziza Barno Baxtigul Charos Dildora Dilfuza Dilnoza Dilrabo Durdona Farida "
    "Farogʻat Feruza Fotima Gavhar Gulchehra Guli Gulnora Gulsanam Halima Hilola Intizor Iroda "
    "Karima Kumush Laylo Lola Lobar Madina Mahliyo Malika Manzura Mavluda Mohira Muattar Muborak "
    "Munira Muqaddas Nafisa Nargiza Nasiba Nigora Nilufar Nodira Nozima Oydin Oysha Ozoda Parizod "
    "Qunduz Robiya Roʻzigul Ruxsora Sabohat Saida Saodat Sayyora Sevara Shahlo Shahzoda Shoira "
    "Soliha Tursunoy Umida Xadicha Xurshida Yulduz Zamira Zarifa Zebo Zilola Ziyoda Zuhra Zulayho "
    "Oʻgʻiloy Gʻuncha"
)
UZBEK_FAMILIES = words(
    "Abdullayev Abduraxmonov Ahmedov Akbarov Aliyev Alimov Ashurov Azimov Baxtiyorov Boboyev "
    "Boltayev Boymurodov Choriyev Davlatov Egamberdiyev Ergashev Eshonqulov Fayziyev Gʻaniyev "
    "Gʻofurov Haydarov Hakimov Hamroyev Hasanov Holmatov Ibragimov Isayev Ismoilov Joʻrayev "
    "Jumayev Kamolov Karimov Komilov Mahmudov Mamatov Mirzayev Muminov Murodov Nazarov Nematov "
    "Normatov Nosirov Nurmatov Olimov Ortiqov Oʻrinov Oʻzbekov Pulatov Qodirov Qosimov Qurbonov "
    "Rahimov Rajabov Rasulov Raximov Roʻziyev Rustamov Sattorov Saidov Salimov Sharipov Shodiyev "
    "Sobirov Soliyev Sultonov Tojiboyev Toʻrayev Toshmatov Tursunov Umarov Usmonov Xudoyberdiyev "
    "Xolmirzayev Xoʻjayev Yoqubov Yoʻldoshev Yunusov Yusupov Zokirov Ziyayev"
)

UKRAINIAN_MEN = words(
    "Андрій:Андрей Антон:Антон Артем:Артём Богдан:Богдан Борис:Борис Вадим:Вадим "
    "Валентин:Валентин Валерій:Валерий Василь:Василий Віктор:Виктор Віталій:Виталий "
    "Владислав:Владислав Володимир:Владимир Геннадій:Геннадий Григорій:Григорий Данило:Даниил "
    "Денис:Денис Дмитро:Дмитрий Євген:Евгений Ігор:Игорь Іван:Иван Кирило:Кирилл "
    "Костянтин:Константин Леонід:Леонид Максим:Максим Михайло:Михаил Назар:Назар Олег:Олег "
    "Олександр:Александр Олексій:Алексей Павло:Павел Петро:Пётр Роман:Роман Руслан:Руслан "
    "Сергій:Сергей Станіслав:Станислав Степан:Степан Тарас:Тарас Тимофій:Тимофей Федір:Фёдор "
    "Юрій:Юрий Ярослав:Ярослав Остап:Остап Матвій:Матвей"
)
UKRAINIAN_WOMEN = words(
    "Алла:Алла Анастасія:Анастасия Валентина:Валентина Валерія:Валерия Вікторія:Виктория "
    "Віра:Вера Галина:Галина Ганна:Анна Дарія:Дарья Діана:Диана Євгенія:Евгения Зоя:Зоя Інна:Инна "
    "Ірина:Ирина Катерина:Екатерина Ксенія:Ксения Лариса:Лариса Леся:Леся Лідія:Лидия "
    "Любов:Любовь Людмила:Людмила Маргарита:Маргарита Марина:Марина Марія:Мария "
    "Мирослава:Мирослава Надія:Надежда Наталія:Наталья Ніна:Нина Оксана:Оксана Олена:Елена "
    "Ольга:Ольга Поліна:Полина Раїса:Раиса Світлана:Светлана Софія:София Тамара:Тамара "
    "Тетяна:Татьяна Уляна:Ульяна Юлія:Юлия Яна:Яна Орися:Орися Соломія:Соломия"
)
UKRAINIAN_FAMILIES = words(
    "Бабенко Бойко Бондар Бондаренко Василенко Власенко Ващенко Гаврилюк Гнатюк Гончар Гончаренко "
    "Гриценко Данилюк Демченко Дяченко Жук Зінченко Іваненко Іванченко Карпенко Коваль Ковальчук "
    "Козак Колісник Кравець Кравченко Кузьменко Лисенко Литвин Марченко Мельник Мельничук "
    "Мироненко Мороз Назаренко Нестеренко Олійник Остапчук Павленко Панченко Петренко Пономаренко "
    "Приходько Романюк Руденко Савченко Семенюк Сидоренко Симоненко Тарасенко Ткач Ткаченко "
    "Тимошенко Харченко Хоменко Цимбал Черненко Шевчук Шульга Щербак Юрченко Яковенко Яременко "
    "Левицьк- Зелінськ- Вишневськ- Яворськ- Дубровськ- Білецьк- Чорновіл Пилипенко Журавель"
)

VIETNAMESE_FAMILIES = words(
    "Nguyễn:384 Trần:110 Lê:95 Phạm:70 Hoàng:40 Huỳnh:30 Phan:45 Vũ:25 Võ:25 Đặng:21 Bùi:20 Đỗ:14 "
    "Hồ:13 Ngô:13 Dương:10 Lý:9 Đinh:8 Đoàn:8 Lương:7 Trịnh:7 Mai:6 Tô:5 Tạ:5 Châu:4 Quách:3 "
    "Lâm:3 Hà:3 Kiều:2"
)
VIETNAMESE_MIDDLES = {
    "M": words("Văn:40 Đức:10 Minh:10 Hữu:8 Quang:8 Công:6 Đình:6 Xuân:5 Ngọc:4 Thanh:3"),
    "F": words("Thị:55 Ngọc:10 Thu:8 Thanh:7 Kim:6 Minh:5 Bích:5 Mỹ:4"),
}
VIETNAMESE_MEN = words(
    "An Bảo Bình Chiến Cường Đạt Đức Dũng Duy Giang Hải Hiếu Hòa Hoàng Hùng Hưng Huy Khang Khánh "
    "Khoa Kiên Lâm Long Lộc Lợi Mạnh Minh Nam Nghĩa Nhân Phát Phong Phú Phúc Phước Quân Quang "
    "Quốc Sơn Tài Tâm Tân Tấn Thắng Thành Thịnh Tiến Toàn Trí Trung Tú Tuấn Tùng Việt Vinh Vũ"
)
VIETNAMESE_WOMEN = words(
    "An Anh Bình Châu Chi Cúc Diễm Diệp Dung Giang Hà Hạ Hân Hằng Hạnh Hiền Hoa Hòa Hồng Huệ "
    "Hương Hường Khánh Lan Liên Linh Loan Lý Mai My Mỹ Nga Ngân Nghi Ngọc Nguyệt Nhi Nhung Oanh "
    "Phương Phượng Quyên Quỳnh Tâm Thảo Thi Thoa Thơ Thu Thúy Thủy Thư Tiên Trâm Trang Trinh Trúc "
    "Tú Tuyết Vân Vi Xuân Yến"
)

ARAB_MEN = words(
    "محمد:Mohammed,Muhammad,Mohamed أحمد:Ahmed,Ahmad علي:Ali,Aly حسن:Hassan,Hasan "
    "حسين:Hussein,Husayn إبراهيم:Ibrahim,Ebrahim خالد:Khaled,Khalid عمر:Omar,Umar سعيد:Saeed,Said "
    "يوسف:Youssef,Yusuf محمود:Mahmoud,Mahmud مصطفى:Mustafa,Moustafa طارق:Tarek,Tariq "
    "سامر:Samer,Samir نبيل:Nabil,Nabeel رامي:Rami,Ramy فادي:Fadi,Fady وليد:Walid,Waleed "
    "زياد:Ziad,Ziyad بلال:Bilal,Belal كريم:Karim,Kareem"
)
ARAB_WOMEN = words(
    "فاطمة:Fatima,Fatma عائشة:Aisha,Ayesha مريم:Maryam,Mariam زينب:Zainab,Zeinab ليلى:Layla,Leila "
    "هدى:Huda,Hoda سارة:Sara,Sarah نور:Nour,Noor رنا:Rana,Ranaa أمل:Amal,Aml سلمى:Salma,Selma "
    "دعاء:Doaa,Duaa هبة:Heba,Hiba ريم:Reem,Rim منى:Mona,Muna خديجة:Khadija,Khadijah "
    "رانيا:Rania,Raniya"
)
ARAB_FAMILIES = words(
    "الخطيب:Al-Khatib,El-Khateeb الحسن:Al-Hassan,Alhasan النجار:Al-Najjar,An-Najjar "
    "حداد:Haddad,Hadad المصري:Al-Masri,El-Masry العلي:Al-Ali,Alali درويش:Darwish,Darweesh "
    "قاسم:Qasem,Kassem سليمان:Suleiman,Sulayman الشامي:Al-Shami,El-Shamy الأحمد:Al-Ahmad,Alahmed "
    "منصور:Mansour,Mansur عيسى:Issa,Eissa الرفاعي:Al-Rifai,El-Refaie زيدان:Zidan,Zaydan "
    "شاهين:Shahin,Shaheen بركات:Barakat,Brakat العمر:Al-Omar,Alomar جابر:Jaber,Gaber "
    "نصار:Nassar,Nasar"
)
STREETS = {
    "uz": words(
        "Bogʻbon Chinor Guliston Istiqlol Mustaqillik Navbahor Oqtepa Yangiobod Turkiston Sharq"
    ),
    "uk": words("Садова Польова Лісова Франка Козацька Вишнева Миру Джерельна Набережна Нова"),
    "vi": ("Hai Bà Trưng", "Lý Tự Trọng", "Phan Bội Châu", "Nguyễn Du", "Trần Phú", "Lê Duẩn"),
    "ar": words("الزهور السلام النخيل الجامع المدرسة البحر"),
}
